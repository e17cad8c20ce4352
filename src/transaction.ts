/**
 * Runs `work` in one database transaction. Every store call made while it runs joins that transaction by itself, so
 * nothing has to be passed down and nothing can deadlock on the outer connection.
 * `work` may be run again after a serialisation failure (40001, 40P01): it must have no effects outside the database.
 */
export type Transact = <T>(work: () => Promise<T>) => Promise<T>
