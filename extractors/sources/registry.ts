import type { Source } from '../types.ts'
import { example } from './example.ts'
import { folder } from './folder.ts'
import { git } from './git.ts'
import { pypi } from './pypi.ts'
import { rows } from './rows.ts'

/** Where repositories may come from: one line per kind of source. */
export const sources = { git, pypi, folder, rows, example } satisfies Record<string, Source>
