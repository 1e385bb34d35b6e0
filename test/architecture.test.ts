import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageRoot } from '../pipelines/core/package-root.ts'

/** Part of the house → parts it may import. The rest of the picture is in CONTRIBUTING. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'pipelines/core': [],
  extractors: ['pipelines/core'],
  validators: ['pipelines/core'],
  filters: ['pipelines/core'],
  exports: ['pipelines/core'],
  'pipelines/engines': ['pipelines/core'],
  'pipelines/stages': ['pipelines/core', 'extractors', 'validators', 'filters', 'exports'],
  'pipelines/config': ['pipelines/core', 'pipelines/stages'],
  'pipelines/run': [
    'pipelines/core',
    'pipelines/engines',
    'pipelines/stages',
    'pipelines/config',
    'extractors',
    'validators',
  ],
  'pipelines/report': ['pipelines/core', 'pipelines/run'],
  'pipelines/cli': [
    'pipelines/core',
    'pipelines/config',
    'pipelines/engines',
    'pipelines/run',
    'pipelines/report',
    'extractors',
    'validators',
    'filters',
    'exports',
  ],
}

/** Packages with a process, a network or a format behind them → the only file that imports them. */
const ONE_IMPORTER: Record<string, string> = {
  execa: 'pipelines/core/process.ts',
  hyparquet: 'pipelines/core/parquet.ts',
  'hyparquet-writer': 'pipelines/core/parquet.ts',
  pino: 'pipelines/core/log.ts',
  '@aws-sdk/client-s3': 'pipelines/core/object-store.ts',
  'p-queue': 'pipelines/engines/local.ts, validators/worker-pool.ts',
  'simple-git': 'extractors/sources/git.ts',
  'web-tree-sitter': 'extractors/languages/syntax-tree.ts',
  'gpt-tokenizer': 'pipelines/core/tokenizer.ts',
  '@huggingface/tokenizers': 'pipelines/core/tokenizer-file.ts',
  'apache-arrow': 'exports/formats/arrow-stream.ts, extractors/imports/arrow-rows.ts',
  '@huggingface/hub': 'exports/huggingface.ts',
  openai: 'extractors/models/chat-client.ts',
  '@duckdb/node-api': 'pipelines/core/duckdb.ts',
  '@observablehq/plot': 'pipelines/report/charts.ts, exports/card/plots.ts',
  linkedom: 'pipelines/report/charts.ts, exports/card/plots.ts',
  commander: 'pipelines/cli/program.ts, pipelines/cli/options.ts, pipelines/cli/main.ts',
  croner: 'pipelines/cli/commands/run-schedule.ts',
  'cli-progress': 'pipelines/cli/reporter/stage-bars.ts',
  'cli-table3': 'pipelines/cli/reporter/text-table.ts',
}

/** Packages of hundreds of files each: a run that needs none of them starts in two thirds of the time. */
const LOADED_WHEN_NEEDED = [
  '@aws-sdk/client-s3',
  '@duckdb/node-api',
  '@huggingface/tokenizers',
  '@observablehq/plot',
].concat(['apache-arrow', 'gpt-tokenizer', 'linkedom', 'openai'])

const files = ['pipelines', 'extractors', 'validators', 'filters', 'exports'].flatMap((folder) =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path)),
)
const edges = files.flatMap((file) => importsOf(file).map((target) => ({ file, target })))

describe('the house', () => {
  test('has no import that points upward or sideways', () => {
    const wrong = edges
      .filter(({ target }) => target.startsWith('.'))
      .map(({ file, target }) => ({ file, target: relative(packageRoot, resolve(packageRoot, dirname(file), target)) }))
      .filter(({ file, target }) => !isAllowed(partOf(file), partOf(target)))
    expect(wrong).toEqual([])
  })

  test('reaches each package behind a process, a network or a format through one file', () => {
    const wrong = edges
      .filter(({ file, target }) => {
        const owner = ONE_IMPORTER[packageOf(target)]
        return owner !== undefined && !owner.split(', ').includes(file) && !isTypeOnly(file, target)
      })
      .map(({ file, target }) => `${file} imports ${target}`)
    expect(wrong).toEqual([])
  })

  test('starts a run without the packages that few runs need', () => {
    const loaded = loadedBy('pipelines/cli/commands/run.ts')
    expect(loaded.size).toBeGreaterThan(300)
    expect([...loaded].filter((target) => LOADED_WHEN_NEEDED.includes(packageOf(target)))).toEqual([])
  })

  test('names every plug-in after its file', () => {
    const registries = files.filter((file) => file.endsWith('/registry.ts'))
    const wrong = registries.flatMap((registry) => unregistered(registry))
    expect(registries.length).toBeGreaterThan(5)
    expect(wrong).toEqual([])
  })

  test('has no file named after nothing', () => {
    const vague = /(^|[/-])(utils?|helpers?|common|manager|base|misc)\.ts$/
    expect(files.filter((file) => vague.test(file))).toEqual([])
  })
})

function importsOf(file: string): string[] {
  const text = readFileSync(join(packageRoot, file), 'utf8')
  return [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((match) => match[1] ?? '')
}

// Files and packages that are there as soon as a file is: what it imports by `import(` comes later, types not at all.
function loadedBy(file: string, loaded = new Set([file])): Set<string> {
  const text = readFileSync(join(packageRoot, file), 'utf8')
  for (const [, target = ''] of text.matchAll(/^(?:import|export)(?! type\b)[^;'"]*?from '([^']+)'/gm)) {
    const found = target.startsWith('.') ? join(dirname(file), target) : target
    if (loaded.has(found)) continue
    loaded.add(found)
    if (target.startsWith('.')) loadedBy(found, loaded)
  }
  return loaded
}

function isTypeOnly(file: string, target: string): boolean {
  const text = readFileSync(join(packageRoot, file), 'utf8')
  return new RegExp(`^import type [^;]*?from '${target}'`, 'm').test(text)
}

function partOf(file: string): string {
  const [first = '', second = ''] = file.split('/')
  return first === 'pipelines' ? `${first}/${second}` : first
}

function isAllowed(from: string, to: string): boolean {
  return from === to || (MAY_IMPORT[from] ?? []).includes(to)
}

function packageOf(target: string): string {
  const parts = target.split('/')
  return target.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '')
}

// Every import of a registry is `./<id>.ts`, and the plug-in in that file says `id: '<id>'`.
function unregistered(registry: string): string[] {
  const members = importsOf(registry).filter((target) => target.startsWith('./') && target !== './types.ts')
  return members.flatMap((target) => {
    const id = target.slice(2, -'.ts'.length)
    const text = readFileSync(join(packageRoot, dirname(registry), target), 'utf8')
    return text.includes(`id: '${id}'`) ? [] : [`${registry}: ${target} declares no plug-in with the id ${id}`]
  })
}
