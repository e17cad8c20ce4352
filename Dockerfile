# The issuer in production: the official Node image, no build step, no development packages, not root.
# The simulator and the demo are not in it (.dockerignore).
FROM node:24-bookworm-slim AS tree
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image brings Node; the one that npm carries for bare machines is left out. Never --omit=optional: some packages
# keep their native half there.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/node-linux-* node_modules/.bin/node

FROM node:24-bookworm-slim
WORKDIR /app
# Production unless told otherwise, so that a forgotten variable cannot make a deployment less strict.
ENV NODE_ENV=production \
    DWAR_ENV=production \
    NODE_COMPILE_CACHE=/app/.compile-cache \
    DWAR_HOST=0.0.0.0
COPY --from=tree /app/node_modules ./node_modules
COPY package.json LICENSE NOTICE ./
COPY migrations ./migrations
COPY adapters ./adapters
COPY views ./views
COPY src ./src
# What Node makes of the TypeScript is kept: a start then loads no compiler, which saves half of its time, and memory. Node
# keeps it apart for each user and each set of flags, so it is made as it will be run, and is nobody's to write afterwards.
RUN install -d -o node .compile-cache \
 && setpriv --reuid=node --regid=node --clear-groups node --max-semi-space-size=8 src/main.ts --version \
 && setpriv --reuid=node --regid=node --clear-groups node --max-semi-space-size=8 -e "Promise.all([import('/app/src/cli/serve.ts'), import('/app/src/cli/workers.ts')])" \
 && chown -R root:root .compile-cache && chmod -R a+rX,a-w .compile-cache
USER node
EXPOSE 4000
# /health/live looks at no Host header and no database: a database that is away must not get the process killed.
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.DWAR_PORT || 4000) + '/health/live').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself, not npm: it is process 1 and gets SIGTERM, on which it finishes what it is doing.
# A young generation of half of Node's size: some 40 MiB less under load. Four MiB would save a little more and cost 5 to
# 11 % of CPU (bench/figures.md). Workers (DWAR_WORKERS) are started with the same.
CMD ["node", "--max-semi-space-size=8", "src/main.ts", "serve"]
