import { MAX_LINE_BYTES } from './protocol.ts'

/** The lines of a stream as parsed JSON. Throws on what is no JSON and on a line without end. */
export async function* readJsonLines(stream: AsyncIterable<Buffer>): AsyncGenerator {
  let pieces: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    let rest = chunk
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      yield JSON.parse(Buffer.concat([...pieces, rest.subarray(0, end)]).toString('utf8'))
      pieces = []
      length = 0
      rest = rest.subarray(end + 1)
    }
    pieces.push(rest)
    length += rest.length
    if (length > MAX_LINE_BYTES) throw new RangeError(`a line of more than ${MAX_LINE_BYTES} bytes`)
  }
}

const NEWLINE = 0x0a
