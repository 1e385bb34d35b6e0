import { mineRepository } from '../../../extractors/mining.ts'
import { languages } from '../../../extractors/languages/registry.ts'
import { pairingMethods } from '../../../extractors/pairing/registry.ts'
import { pairRepository } from '../../../extractors/pairing/repository-pairing.ts'
import type { PairedRepository } from '../../../extractors/pairing/repository-pairing.ts'
import type { PairingMethod, Repository } from '../../../extractors/types.ts'
import { enabledPlugins } from '../../../pipelines/core/plugin.ts'
import type { Enabled } from '../../../pipelines/core/plugin.ts'

const READ = { include: ['**'], exclude: [], maxFileBytes: 1_000_000, maxFiles: 1000 }

export interface PairedFixture extends PairedRepository {
  /** Kernel id to entry point. */
  readonly entryPoints: ReadonlyMap<string, string>
}

/** Mines and pairs a repository with every language and every method; `options` are those of methods, by id. */
export async function pairFixture(
  repository: Repository,
  options: Readonly<Record<string, unknown>> = {},
): Promise<PairedFixture> {
  const all = { triton: {}, cuda: {}, cpp: {} }
  const mined = await mineRepository(repository, {
    ...READ,
    source: 'fixture',
    languages: enabledPlugins(languages, all),
  })
  const paired = await pairRepository(repository, mined.kernels, { ...READ, methods: methodsWith(options) })
  return { ...paired, entryPoints: new Map(mined.kernels.map((kernel) => [kernel.id, kernel.entry_point])) }
}

function methodsWith(options: Readonly<Record<string, unknown>>): Enabled<PairingMethod>[] {
  return Object.values<PairingMethod>(pairingMethods).map((plugin) => ({
    plugin,
    options: plugin.options.parse(options[plugin.id] ?? {}),
  }))
}
