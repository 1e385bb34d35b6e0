import type { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CurateError, messageOf, usageError } from './errors.ts'

/** Objects below one prefix of a bucket. Keys are relative to it. */
export interface ObjectStore {
  readonly url: string
  /** Text of an object; null where there is none. */
  read(key: string): Promise<string | null>
  write(key: string, text: string): Promise<void>
  /** Writes an object unless there is one (`If-None-Match: *`): false where somebody was first. */
  writeOnce(key: string, text: string): Promise<boolean>
  remove(key: string): Promise<void>
  upload(key: string, path: string): Promise<void>
  download(key: string, path: string): Promise<void>
}

/**
 * Opens `s3://BUCKET/PREFIX`. Where the server is and who asks it come from the environment, as for any program that uses the AWS SDK:
 * `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID` and their kin, profiles, roles of the machine.
 */
export async function openObjectStore(url: string): Promise<ObjectStore> {
  const [, bucket = '', prefix = ''] = /^s3:\/\/([a-z0-9.-]+)(?:\/(.*?))?\/?$/.exec(url) ?? []
  if (bucket === '') throw usageError(`${url} names no bucket`, 'For example s3://my-bucket/curate.')
  // Loaded where it is used: it is as large as all the rest.
  const { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3')
  const client = new S3Client({
    region: process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    // Servers other than Amazon's have no host name for each bucket.
    forcePathStyle: process.env['AWS_ENDPOINT_URL'] !== undefined || process.env['AWS_ENDPOINT_URL_S3'] !== undefined,
  })
  const at = (key: string) => ({ Bucket: bucket, Key: prefix === '' ? key : `${prefix}/${key}` })
  return {
    url,
    read: (key) =>
      orNull('NoSuchKey', url, async () => {
        const { Body } = await client.send(new GetObjectCommand(at(key)))
        return (await Body?.transformToString('utf8')) ?? ''
      }),
    write: async (key, text) => {
      await told(url, () => client.send(new PutObjectCommand({ ...at(key), Body: text })))
    },
    writeOnce: async (key, text) => {
      const put = new PutObjectCommand({ ...at(key), Body: text, IfNoneMatch: '*' })
      return (await orNull('PreconditionFailed', url, () => client.send(put))) !== null
    },
    remove: async (key) => {
      await told(url, () => client.send(new DeleteObjectCommand(at(key))))
    },
    upload: async (key, path) => {
      const { size } = await stat(path)
      const body = createReadStream(path)
      await told(url, () => client.send(new PutObjectCommand({ ...at(key), Body: body, ContentLength: size })))
    },
    download: async (key, path) => {
      await mkdir(dirname(path), { recursive: true })
      await told(url, () => save(client, new GetObjectCommand(at(key)), path))
    },
  }
}

async function save(client: S3Client, get: GetObjectCommand, path: string): Promise<void> {
  const { Body } = await client.send(get)
  if (!(Body instanceof Readable)) throw new TypeError('an answer without content')
  await pipeline(Body, createWriteStream(path))
}

async function orNull<Value>(name: string, url: string, ask: () => Promise<Value>): Promise<Value | null> {
  try {
    return await ask()
  } catch (error) {
    // Of two conditional writes at the same moment, one may be told to try again (409): the other was first.
    if (error instanceof Error && (error.name === name || isConflict(name, error))) return null
    throw storeError(url, error)
  }
}

function isConflict(name: string, error: Error): boolean {
  return name === 'PreconditionFailed' && error.name === 'ConditionalRequestConflict'
}

async function told<Value>(url: string, ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask()
  } catch (error) {
    throw storeError(url, error)
  }
}

function storeError(url: string, error: unknown): CurateError {
  const name = error instanceof Error ? error.name : 'Error'
  return new CurateError('object_store', `${url}: ${name}: ${messageOf(error)}`, {
    hint: 'Check the bucket, and AWS_ENDPOINT_URL, AWS_REGION and the credentials in the environment of every machine.',
    retryable: !['AccessDenied', 'NoSuchBucket', 'InvalidAccessKeyId', 'SignatureDoesNotMatch'].includes(name),
    cause: error,
  })
}
