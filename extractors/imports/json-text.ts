import { messageOf } from '../../pipelines/core/errors.ts'
import type { ImportedRow } from '../types.ts'

/**
 * One JSON value of a file as a row, or why it is none; null where there is nothing but white space. Reasons are published and name the
 * file as `name` does, not where it lies.
 */
export function readJson(row: number, bytes: Buffer, name: string): ImportedRow | null {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { row, reason: 'not_utf8', detail: `${name}:${row} is not UTF-8 text` }
  }
  if (text.trim() === '') return null
  try {
    const value: unknown = JSON.parse(text)
    return { row, value }
  } catch (error) {
    return { row, reason: 'bad_json', detail: `${name}:${row} is not JSON: ${messageOf(error)}` }
  }
}
