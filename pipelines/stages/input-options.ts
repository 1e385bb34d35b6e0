import { z } from 'zod'
import { ValidatedCandidate } from '../core/records/validated-candidate.ts'

const Name = z.enum(Object.keys(ValidatedCandidate.shape))

/** How columns of a file of validated candidates are called that have names of their own. */
export const InputColumns = z.partialRecord(Name, z.string().min(1))
export type InputColumns = z.infer<typeof InputColumns>

/** What is true of all rows of such a file. */
export const InputValues = z.partialRecord(Name, z.union([z.string(), z.number(), z.boolean()]))
export type InputValues = z.infer<typeof InputValues>
