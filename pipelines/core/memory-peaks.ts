/** GB/s that the memory of a GPU gives by its vendor's datasheet; null for hardware that is not in the list, such as processors. */
export function memoryPeak(hardware: string): number | null {
  return PEAKS.find(([name]) => name.test(hardware))?.[1] ?? null
}

// The first that fits: names of one family differ in their ends.
const PEAKS: readonly (readonly [RegExp, number])[] = [
  [/\bB200\b/, 8000],
  [/\bGH200 480GB\b/, 4000],
  [/\bH200\b/, 4800],
  [/\bH100 NVL\b/, 3900],
  [/\bH100 PCIe\b/, 2000],
  [/\bH100\b/, 3350],
  [/\bH800\b/, 3350],
  [/\bH20\b/, 4000],
  [/\bA100-SXM\d?-80GB\b/, 2039],
  [/\bA100 80GB PCIe\b/, 1935],
  [/\bA100-(?:SXM\d?|PCIE)-40GB\b/, 1555],
  [/\bL40S?\b/, 864],
  [/\bL4\b/, 300],
  [/\bA10G?\b/, 600],
  [/\bV100\b/, 900],
  [/\bT4\b/, 320],
  [/\bRTX 5090\b/, 1792],
  [/\bRTX 4090\b/, 1008],
  [/\bRTX 3090 Ti\b/, 1008],
  [/\bRTX 3090\b/, 936],
  [/\bMI300X\b/, 5300],
]
