# What keeps a build short: most of a file's time goes into headers and their templates, so they are
# read once for all (precompiled) and files go through the compiler several at a time.
#
# MVN_UNITY=OFF compiles each file alone: a build from nothing takes longer, a change of one file less.
# The preset `dev` does so.
option(MVN_UNITY "Compile several files at a time" ON)
set(CMAKE_UNITY_BUILD ${MVN_UNITY})
set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)

# Faster to compile than -O3, which the kernels ask for themselves.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(MVN_MOLD mold)
mark_as_advanced(MVN_MOLD)
if(MVN_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# mvn_precompile(target header...): a target with precompiled headers for others to use.
function(mvn_precompile target)
  set(nothing ${CMAKE_BINARY_DIR}/${target}.cc)
  file(CONFIGURE OUTPUT ${nothing} CONTENT "// The precompiled headers need a target with a file.\n")
  add_library(${target} OBJECT ${nothing})
  target_compile_options(${target} PRIVATE -Winvalid-pch)
  target_precompile_headers(${target} PRIVATE ${ARGN})
endfunction()

function(mvn_use_precompiled target from)
  target_precompile_headers(${target} REUSE_FROM ${from})
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    # A precompiled header serves one code model: -fPIC, where CMake would choose -fPIE.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
endfunction()

# LibTorch's, for the training wing and plugins.
mvn_precompile(mvn_torch_pch ${CMAKE_SOURCE_DIR}/framework/include/mvn/torch.h)
target_link_libraries(mvn_torch_pch PRIVATE mvn::torch)
function(mvn_use_torch_pch target)
  mvn_use_precompiled(${target} mvn_torch_pch)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${MVN_UNITY})
endfunction()

# The standard library's and JSON, for everything else.
mvn_precompile(mvn_plain_pch <algorithm> <array> <filesystem> <functional> <map> <memory>
               <nlohmann/json.hpp> <optional> <set> <string> <vector>)
function(mvn_use_plain_pch)
  foreach(target IN LISTS ARGN)
    mvn_use_precompiled(${target} mvn_plain_pch)
  endforeach()
endfunction()

# For code that waits for others more than it computes: -O1 compiles in three quarters of the time, and
# the precompiled headers serve it as well.
function(mvn_compile_quickly target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()
