# mvn_discover_suites(target): a test of CTest's for each suite of the GoogleTest program `target`,
# found when it has been built. For programs that link LibTorch, which takes longer to load than
# most of their tests to run: gtest_discover_tests() starts the program for each test.
#
# mvn_test_lower_isas(target [EXCEPT pattern...]): the whole program again under every instruction
# set below the processor's best, as on a processor that has no more: of our kernels and, from AVX2
# on, of those of LibTorch, oneDNN and MKL. EXCEPT names tests to which that makes no difference.
set(_mvn_suites_script ${CMAKE_CURRENT_LIST_FILE})

function(mvn_discover_suites target)
  set(tests ${CMAKE_CURRENT_BINARY_DIR}/${target}_suites.cmake)
  add_custom_command(TARGET ${target} POST_BUILD BYPRODUCTS ${tests} VERBATIM
    COMMAND ${CMAKE_COMMAND} -D PROGRAM=$<TARGET_FILE:${target}> -D TESTS=${tests}
            -P ${_mvn_suites_script})
  set(include ${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake)
  file(WRITE ${include} "if(EXISTS \"${tests}\")\n  include(\"${tests}\")\nelse()\n"
                        "  add_test(${target}_NOT_BUILT ${target}_NOT_BUILT)\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${include})
endfunction()

set(_mvn_limits_avx2 MVN_CPU_ISA=avx2 ATEN_CPU_CAPABILITY=avx2
                     ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2)
# Of our kernels alone: without AVX2 oneDNN's sums depend on the number of threads.
list(TRANSFORM _mvn_limits_avx2 REPLACE MVN_CPU_ISA=avx2 MVN_CPU_ISA=portable
     OUTPUT_VARIABLE _mvn_limits_portable)
set(_mvn_limits_avx512 MVN_CPU_ISA=avx512 ATEN_CPU_CAPABILITY=avx512
                       ONEDNN_MAX_CPU_ISA=AVX512_CORE MKL_ENABLE_INSTRUCTIONS=AVX512)

function(mvn_test_lower_isas target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" EXCEPT)
  list(JOIN arg_EXCEPT ":" except)
  target_link_libraries(${target} PRIVATE mvn_lower_isa_main)
  foreach(isa portable avx2 avx512)
    # What runs on a GPU does so whatever the processor.
    add_test(NAME ${target}.${isa} COMMAND ${target} --lower-isa
             --gtest_filter=-*Gpu*:*/cuda:${except})
    set_tests_properties(${target}.${isa} PROPERTIES SKIP_RETURN_CODE 4 COST 100
                         ENVIRONMENT "${_mvn_limits_${isa}}")
  endforeach()
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  return()
endif()
execute_process(COMMAND ${PROGRAM} --gtest_list_tests OUTPUT_VARIABLE list
                COMMAND_ERROR_IS_FATAL ANY)
# A suite's line ends in a dot, and its tests' lines, which follow, begin with spaces.
string(REGEX MATCHALL "[A-Za-z0-9_/]+\\.( +#[^\n]*)?\n  " suites "${list}")
set(script "")
foreach(suite IN LISTS suites)
  string(REGEX REPLACE "\\..*" "" suite "${suite}")
  string(APPEND script "add_test([==[${suite}]==] [==[${PROGRAM}]==] --gtest_filter=${suite}.*)\n")
endforeach()
file(WRITE ${TESTS} "${script}")
