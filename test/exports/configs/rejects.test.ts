import { expect, it } from 'vitest'
import { rejects } from '../../../exports/configs/rejects.ts'
import type { Dataset } from '../../../exports/types.ts'
import { aReject } from '../../records.ts'

it('gives every reject as it was recorded', async () => {
  const recorded = [aReject(), aReject({ stage: 'filter', by: 'passed@1', reason: 'timeout', detail: 'λ' })]
  const dataset: Dataset = {
    async *selections() {},
    async *rejects() {
      yield* recorded
    },
  }
  const rows = await Array.fromAsync(rejects.rows(dataset, {}))
  expect(rows).toEqual(recorded.map((row) => ({ taskId: null, row })))
})
