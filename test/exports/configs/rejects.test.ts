import { expect, it } from 'vitest'
import { rejects } from '../../../exports/configs/rejects.ts'
import { aReject } from '../../records.ts'
import { datasetOf } from '../selections.ts'

it('gives every reject as it was recorded', async () => {
  const recorded = [aReject(), aReject({ stage: 'filter', by: 'passed@1', reason: 'timeout', detail: 'λ' })]
  const dataset = datasetOf([], { rejects: recorded })
  const rows = await Array.fromAsync(rejects.rows(dataset, {}))
  expect(rows).toEqual(recorded.map((row) => ({ taskId: null, row })))
})
