import { createReadStream } from 'node:fs'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { z } from 'zod'
import { CurateError, messageOf, systemCodeOf } from '../../pipelines/core/errors.ts'

/** Bytes of a file as they come, unpacked where its name ends in `.gz`; a damaged archive is an error of the file. */
export async function* openBytes(path: string): AsyncGenerator<Buffer> {
  const bytes = new PassThrough()
  const file = createReadStream(path)
  const done = path.endsWith('.gz') ? pipeline(file, createGunzip(), bytes) : pipeline(file, bytes)
  // The reader below meets the same error; without this it would also count as unhandled.
  done.catch(() => {})
  try {
    for await (const chunk of bytes) yield z.instanceof(Buffer).parse(chunk)
    await done
  } catch (error) {
    if (!(systemCodeOf(error) ?? '').startsWith('Z_')) throw error
    throw new CurateError('unreadable_gzip', `${path} is not a whole gzip file: ${messageOf(error)}`, {
      hint: 'It is truncated or damaged: get it again, or unpack what is left and import that.',
      cause: error,
    })
  } finally {
    file.destroy()
  }
}
