#!/usr/bin/env node
// `atlasctl` as a command: the same as `npm run atlasctl --`, from any folder.
process.env.INIT_CWD ??= process.cwd()
process.argv.splice(2, 0, 'atlasctl')
await import('./run-script.mjs')
