import { PROTOCOL_VERSION } from '../../validators/protocol.ts'
import { anEnvironment } from '../records.ts'

/** The first line of a script that speaks as a judge does, on a device of which nothing more is known. */
export function readyLine(device: 'cpu' | 'cuda'): string {
  return JSON.stringify({
    type: 'ready',
    protocol: PROTOCOL_VERSION,
    device,
    environment: anEnvironment,
    sandbox_missing: {},
    sandbox_leaks: [],
    fork_server: { threads: 1, touched_cuda: false },
    gpu_memory_unshared: null,
    gpu_unusable: null,
    tools: {},
  })
}
