import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { acquireRunLock } from '../../../pipelines/core/run-lock.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

test('a second process is refused with the id of the first and what to do', async () => {
  const path = join(await temporaryFolder(), 'run.lock')
  const release = await acquireRunLock(path)
  await expect(acquireRunLock(path)).rejects.toMatchObject({
    code: 'work_directory_busy',
    message: expect.stringContaining(`process ${process.pid}`),
    hint: expect.stringContaining('--work-dir'),
  })
  await release()
  await (
    await acquireRunLock(path)
  )()
})

test('the lock of a process that was killed is taken over at once', async () => {
  const path = join(await temporaryFolder(), 'run.lock')
  const child = spawn('sleep', ['100'])
  const release = await acquireRunLock(path)
  const holder = JSON.parse(await readFile(path, 'utf8'))
  await release()
  child.kill('SIGKILL')
  await once(child, 'exit')
  await writeFile(path, JSON.stringify({ ...holder, pid: child.pid }))
  await (
    await acquireRunLock(path)
  )()
})

test('a process that reuses the id of a killed one does not count as the holder', async () => {
  const path = join(await temporaryFolder(), 'run.lock')
  const holder = { pid: process.pid, host: hostname(), process_start: '1', since: '2026-01-01T00:00:00Z' }
  await writeFile(path, JSON.stringify(holder))
  await (
    await acquireRunLock(path)
  )()
})

test('a lock of another host is respected, since its processes cannot be seen', async () => {
  const path = join(await temporaryFolder(), 'run.lock')
  const holder = { pid: 999_999, host: 'another-host', process_start: '1', since: '2026-01-01T00:00:00Z' }
  await writeFile(path, JSON.stringify(holder))
  await expect(acquireRunLock(path)).rejects.toMatchObject({ hint: expect.stringContaining('delete') })
})
