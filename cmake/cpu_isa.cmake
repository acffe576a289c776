# mvn_cpu_isa_sources(target [AVX2 file...] [AVX512 file...] [AVX512_BF16 file...]): adds files that
# are compiled for one instruction set each, where the processor's architecture has it. What such a
# set holds is said here and in framework/common/cpu_isa.cc, which finds out what a processor has.
#
# Those files include no LibTorch, nor each other: a header's inline functions must not be compiled
# for an instruction set that the machine may lack.
set(_mvn_isa_AVX2 -mavx2 -mfma)
# GCC 12 warns about variables inside its own AVX-512 intrinsics.
set(_mvn_isa_AVX512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -Wno-maybe-uninitialized)
set(_mvn_isa_AVX512_BF16 ${_mvn_isa_AVX512} -mavx512bf16)

function(mvn_cpu_isa_sources target)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    return()
  endif()
  set(isas AVX2 AVX512 AVX512_BF16)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "${isas}")
  foreach(isa IN LISTS isas)
    if(NOT arg_${isa})
      continue()
    endif()
    target_sources(${target} PRIVATE ${arg_${isa}})
    set_source_files_properties(${arg_${isa}} PROPERTIES COMPILE_OPTIONS "${_mvn_isa_${isa}}"
                                SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
  endforeach()
endfunction()
