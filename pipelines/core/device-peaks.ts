/**
 * What a GPU gives at best by its vendor's datasheet, without sparsity; null for hardware that is not in the list, such as
 * processors. Nothing here is measured or guessed: a figure that a datasheet does not give is null.
 */
export interface DevicePeaks {
  /** GB/s of its memory. */
  readonly bandwidth: number
  /** TFLOPS of products of float16 and bfloat16 on matrix units, however they are summed up. */
  readonly float16: number | null
  /** TFLOPS of products of float32 rounded to TensorFloat-32; null where there are none. */
  readonly tensor_float32: number | null
  /** TFLOPS of float32 beside matrix units. */
  readonly float32: number | null
}

/** The peaks of a GPU by the name its driver gives it. */
export function devicePeaks(hardware: string): DevicePeaks | null {
  const found = PEAKS.find(([name]) => name.test(hardware))
  if (found === undefined) return null
  const [, bandwidth, float16, tensor_float32, float32] = found
  return { bandwidth, float16, tensor_float32, float32 }
}

type Row = readonly [RegExp, number, number | null, number | null, number | null]

// The first that fits: names of one family differ in their ends.
const PEAKS: readonly Row[] = [
  // NVIDIA Blackwell Architecture Technical Brief: HGX B200, a GPU of eight.
  [/\bB200\b/, 8000, 2250, 1125, 75],
  // NVIDIA GH200 Grace Hopper Superchip datasheet, with HBM3.
  [/\bGH200 480GB\b/, 4000, 989.5, 494.5, 67],
  // NVIDIA H200 Tensor Core GPU datasheet: the SXM module, which is the faster one.
  [/\bH200\b/, 4800, 989.5, 494.5, 67],
  // NVIDIA H100 Tensor Core GPU datasheet: NVL, PCIe, SXM.
  [/\bH100 NVL\b/, 3900, 835.5, 417.5, 60],
  [/\bH100 PCIe\b/, 2000, 756.5, 378, 51],
  [/\bH100\b/, 3350, 989.5, 494.5, 67],
  [/\bH800\b/, 3350, 989.5, 494.5, 67],
  [/\bH20\b/, 4000, 148, 74, 44],
  // NVIDIA A100 Tensor Core GPU datasheet: SXM and PCIe, 80 and 40 GB.
  [/\bA100-SXM\d?-80GB\b/, 2039, 312, 156, 19.5],
  [/\bA100 80GB PCIe\b/, 1935, 312, 156, 19.5],
  [/\bA100-(?:SXM\d?|PCIE)-40GB\b/, 1555, 312, 156, 19.5],
  // NVIDIA L40S, L40 and L4 datasheets.
  [/\bL40S\b/, 864, 362, 183, 91.6],
  [/\bL40\b/, 864, 181, 90.5, 90.5],
  [/\bL4\b/, 300, 121, 60, 30.3],
  // NVIDIA A10 datasheet; the A10G of clouds has none.
  [/\bA10\b/, 600, 125, 62.5, 31.2],
  [/\bA10G\b/, 600, null, null, null],
  // NVIDIA V100 and T4 datasheets.
  [/\bV100\b/, 900, 125, null, 15.7],
  [/\bT4\b/, 320, 65, null, 8.1],
  // NVIDIA RTX Blackwell, Ada and Ampere GA102 GPU Architecture whitepapers, appendix A, summed up in float16.
  [/\bRTX 5090\b/, 1792, 419, 104.8, 104.8],
  [/\bRTX 4090\b/, 1008, 330.3, 82.6, 82.6],
  [/\bRTX 3090 Ti\b/, 1008, 160, 40, 40],
  [/\bRTX 3090\b/, 936, 142, 35.6, 35.6],
  // AMD Instinct MI300X data sheet.
  [/\bMI300X\b/, 5300, 1307.4, 653.7, 163.4],
]
