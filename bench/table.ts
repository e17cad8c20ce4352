/** One cell: text, or a number with the digits it deserves. Absent is a dash: not measured, or without meaning here. */
export type Cell = string | number | undefined

/** A heading whose columns are numbers ends with this mark in the row of headings, and is set to the right. */
export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** Lays rows out under their headings, for a terminal with a fixed-width font. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const texts = [columns.map(({ title }) => title), ...rows.map((row) => columns.map((_, at) => formatCell(row[at])))]
  const widths = columns.map((_, at) => Math.max(...texts.map((row) => row[at]?.length ?? 0)))
  const rule = widths.map((width) => '-'.repeat(width))
  return [texts[0] ?? [], rule, ...texts.slice(1)]
    .map((row) =>
      row
        .map((text, at) => pad(text, widths[at] ?? 0, columns[at]?.align))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Three digits that mean something: the third is already noise on a shared machine (performance.md). */
export function formatCell(cell: Cell): string {
  if (cell === undefined) return '-'
  if (typeof cell === 'string') return cell
  if (!Number.isFinite(cell)) return '-'
  const size = Math.abs(cell)
  if (size >= 100) return Math.round(cell).toLocaleString('en-GB')
  return cell.toFixed(size >= 10 ? 1 : 2)
}

const pad = (text: string, width: number, align: Column['align'] = 'left'): string =>
  align === 'right' ? text.padStart(width) : text.padEnd(width)
