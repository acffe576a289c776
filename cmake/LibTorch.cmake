# Finds LibTorch >= 2.8 and defines mvn::torch.
#
# TorchConfig.cmake of a CUDA build insists on a CUDA toolkit even where no GPU is used, so the
# libraries are found directly: headers, libtorch_cpu and libc10. libtorch_cuda is opened at run
# time where there is a GPU (framework/train/sdk/device.cc).
#
# Looked for in CMAKE_PREFIX_PATH (a LibTorch archive, a Python package's folder `torch`, its
# `share/cmake`, or the folder that holds `torch`), then in MVN_TORCH_HINT. Used in this tree and,
# installed beside mvnConfig.cmake, by find_package(mvn).

set(_mvn_torch_hints ${CMAKE_PREFIX_PATH} $ENV{CMAKE_PREFIX_PATH})
string(REPLACE ":" ";" _mvn_torch_hints "${_mvn_torch_hints}")
list(APPEND _mvn_torch_hints ${MVN_TORCH_HINT})
set(_mvn_torch_roots "")
foreach(hint IN LISTS _mvn_torch_hints)
  list(APPEND _mvn_torch_roots ${hint} ${hint}/torch ${hint}/../.. ${hint}/../../..)
endforeach()

find_path(MVN_TORCH_INCLUDE NAMES torch/csrc/api/include/torch/torch.h
          HINTS ${_mvn_torch_roots} PATH_SUFFIXES include NO_CMAKE_FIND_ROOT_PATH)
if(NOT MVN_TORCH_INCLUDE)
  message(FATAL_ERROR "LibTorch not found: give -DCMAKE_PREFIX_PATH=/path/to/libtorch (2.8 or "
                      "later); in a checkout of mvn-runner, scripts/setup installs one")
endif()
get_filename_component(MVN_TORCH_ROOT ${MVN_TORCH_INCLUDE}/.. REALPATH)
find_library(MVN_TORCH_CPU_LIBRARY NAMES torch_cpu HINTS ${MVN_TORCH_ROOT} PATH_SUFFIXES lib
             NO_DEFAULT_PATH REQUIRED)
find_library(MVN_TORCH_C10_LIBRARY NAMES c10 HINTS ${MVN_TORCH_ROOT} PATH_SUFFIXES lib
             NO_DEFAULT_PATH REQUIRED)

set(MVN_TORCH_VERSION "")
foreach(header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
  if(NOT MVN_TORCH_VERSION AND EXISTS ${MVN_TORCH_INCLUDE}/${header})
    file(READ ${MVN_TORCH_INCLUDE}/${header} _mvn_version_header)
    if(_mvn_version_header MATCHES "TORCH_VERSION_MAJOR ([0-9]+)")
      set(_major ${CMAKE_MATCH_1})
      string(REGEX MATCH "TORCH_VERSION_MINOR ([0-9]+)" _ "${_mvn_version_header}")
      set(_minor ${CMAKE_MATCH_1})
      string(REGEX MATCH "TORCH_VERSION_PATCH ([0-9]+)" _ "${_mvn_version_header}")
      set(MVN_TORCH_VERSION ${_major}.${_minor}.${CMAKE_MATCH_1})
    endif()
  endif()
endforeach()
if(MVN_TORCH_VERSION VERSION_LESS 2.8)
  message(FATAL_ERROR "LibTorch '${MVN_TORCH_VERSION}' in ${MVN_TORCH_ROOT} is too old: "
                      "mvn-runner needs 2.8 or later")
endif()
get_filename_component(MVN_TORCH_LIBRARY_FOLDER ${MVN_TORCH_CPU_LIBRARY} DIRECTORY)

# OpenMP as LibTorch brings it: a second one would have threads and settings of its own.
file(GLOB MVN_TORCH_OPENMP_LIBRARY ${MVN_TORCH_LIBRARY_FOLDER}/libgomp*.so*
     ${MVN_TORCH_LIBRARY_FOLDER}/libiomp5.so)
if(NOT MVN_TORCH_OPENMP_LIBRARY)
  set(MVN_TORCH_OPENMP_LIBRARY gomp)
endif()

if(NOT TARGET mvn::torch)
  add_library(mvn::torch INTERFACE IMPORTED)
  target_include_directories(mvn::torch SYSTEM INTERFACE
    ${MVN_TORCH_INCLUDE} ${MVN_TORCH_INCLUDE}/torch/csrc/api/include)
  target_compile_definitions(mvn::torch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
  target_link_libraries(mvn::torch INTERFACE ${MVN_TORCH_CPU_LIBRARY} ${MVN_TORCH_C10_LIBRARY})
  # libtorch_cpu needs CUDA's small run-time libraries, which its own RPATH finds at run time.
  target_link_options(mvn::torch INTERFACE LINKER:--allow-shlib-undefined)
endif()
message(STATUS "LibTorch ${MVN_TORCH_VERSION} in ${MVN_TORCH_ROOT}")
