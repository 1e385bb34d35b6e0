import { gzipSync } from 'node:zlib'

/** An entry of a tar archive as its bytes may have it: nothing stops a name from leading anywhere. */
export interface TarEntry {
  readonly path: string
  readonly content?: string | Buffer
  /** Type flag: `0` a file, `1` a hard link, `2` a symbolic link, `3` a device, `5` a folder. */
  readonly type?: string
  readonly link?: string
  /** What the header claims, where that is not the length of the content. */
  readonly size?: number
}

/** A gzip-compressed tar archive. */
export function tarGz(entries: readonly TarEntry[]): Buffer {
  return gzipSync(Buffer.concat([...entries.map(tarBlocks), Buffer.alloc(1024)]))
}

function tarBlocks({ path, content = '', type = '0', link = '', size }: TarEntry): Buffer {
  const bytes = Buffer.from(content)
  const header = Buffer.alloc(512)
  header.write(path, 0, 100, 'utf8')
  header.write('0000644\0', 100, 'latin1')
  header.write(`${(size ?? bytes.length).toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  header.write(type, 156, 'latin1')
  header.write(link, 157, 100, 'utf8')
  header.write('ustar\x0000', 257, 'latin1')
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
}
