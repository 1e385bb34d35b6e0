import { describe, expect, test } from 'vitest'
import { cmakeDefinitions } from '../../../extractors/pairing/build-definitions.ts'

const CMAKE = `
# add_definitions(-DIN_A_COMMENT)
#[[ add_definitions(-DIN_A_LONG_COMMENT) ]]
project(kernels)
add_definitions(-DALWAYS=2)
function (flags OUT LANGUAGE)
  if (\${LANGUAGE} STREQUAL "CUDA")
    if (CUDA_VERSION VERSION_GREATER_EQUAL 11.8)
      list(APPEND FLAGS "-DENABLE_FP8")
    endif()
    list(REMOVE_ITEM FLAGS "-DREMOVED")
    string(APPEND FLAGS " -O3 -DENABLE_BF16")
  elseif (\${LANGUAGE} STREQUAL "HIP")
    list(APPEND FLAGS "-DUSE_ROCM")
  else ()
    add_definitions(-DUSE_NOTHING)
  endif()
endfunction()
if (CUDA_ARCHS AND (HOPPER))
  add_definitions(-DHOPPER_ONLY)
endif ()
target_compile_definitions(kernels PRIVATE WITH_NAMES "AND_VALUES=1")
message("if(unclosed -DIN_A_MESSAGE")
`

describe('what CMake files define', () => {
  test('is what every build with CUDA defines', () => {
    const files = new Map([
      ['CMakeLists.txt', CMAKE],
      ['notes.txt', 'add_definitions(-DIN_NOTES)'],
      ['cmake/Hip.cmake', 'add_definitions(-DFOR_ANOTHER)'],
      ['cmake/flags.cmake', 'add_definitions(-DUSE_ROCM)'],
      ['cmake/broken.cmake', 'endif() if( "'],
    ])
    expect([...cmakeDefinitions(files).values()]).toEqual([
      '-DALWAYS=2',
      '-DENABLE_FP8',
      '-DENABLE_BF16',
      '-DWITH_NAMES',
      '-DAND_VALUES=1',
    ])
  })
})
