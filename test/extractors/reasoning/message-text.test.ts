import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cleanMessage } from '../../../extractors/reasoning/message-text.ts'

/** Each message lies beside the text that must be left of it. */
const folder = join(import.meta.dirname, '../../fixtures/reasoning/messages')
const names = readdirSync(folder).flatMap((file) => /^([^.]+)\.txt$/.exec(file)?.[1] ?? [])

describe('cleanMessage', () => {
  test.each(names)('leaves of `%s` what is about the change', (name) => {
    const [subject = '', ...body] = read(`${name}.txt`).split('\n')
    expect(cleanMessage(subject, body.join('\n'))).toBe(read(`${name}.expected.txt`).trim())
  })

  test('reads Windows line ends', () => {
    expect(cleanMessage('Title', 'Why.\r\n\r\nSigned-off-by: a <a@example.invalid>\r\n')).toBe('Title\n\nWhy.')
  })
})

function read(file: string): string {
  return readFileSync(join(folder, file), 'utf8')
}
