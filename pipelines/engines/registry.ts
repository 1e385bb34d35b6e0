import { local } from './local.ts'
import { ray } from './ray.ts'
import type { Engine } from './types.ts'

/** Where shards may run: one line per engine. */
export const engines = { local, ray } satisfies Record<string, Engine>
