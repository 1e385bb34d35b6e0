import { local } from './local.ts'
import type { Engine } from './types.ts'

/** Where shards may run: one line per engine. */
export const engines = { local } satisfies Record<string, Engine>
