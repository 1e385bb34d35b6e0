import { expect, test } from 'vitest'
import { xidErrors } from '../../validators/gpu-evidence.ts'

test('the last errors of the driver are taken out of the kernel’s log', () => {
  const line = (number: number) =>
    `[  12.${number}] NVRM: Xid (PCI:0000:0b:00): ${number}, pid=7, name=python, GPU has fallen off the bus.`
  const log = ['[ 1.0] eth0: link up', ...[13, 31, 48, 79].map(line), ''].join('\n')
  expect(xidErrors(log)).toEqual(
    [31, 48, 79].map((number) => `Xid (PCI:0000:0b:00): ${number}, pid=7, name=python, GPU has fallen off the bus.`),
  )
  expect(xidErrors('')).toEqual([])
})
