# mvn_cuda_kernels(target source...): an object library of CUDA kernels, for every GPU from NVIDIA's
# A100 on; machine code for 8.0 and 9.0, and PTX, which the driver compiles for later ones. With
# CUDA's run-time linked statically, a library that holds them loads where there is neither a GPU
# nor a driver. MVN_NVCC says whether a CUDA compiler was found.
option(MVN_CUDA_KERNELS "Compile the kernels for GPUs where a CUDA compiler is found" ON)
set(MVN_NVCC OFF)
if(MVN_CUDA_KERNELS)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 80-real 90)
    endif()
    enable_language(CUDA)
    # CMake 3.25 does not know how nvcc is asked for C++20.
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
    find_package(CUDAToolkit REQUIRED)
    set(MVN_NVCC ON)
  endif()
endif()

function(mvn_cuda_kernels target)
  add_library(${target} OBJECT ${ARGN})
  target_compile_options(${target} PRIVATE --expt-relaxed-constexpr -Werror=all-warnings
                         -Xcompiler=-Wall,-Wextra,-Wshadow,-Werror)
  target_link_libraries(${target} PUBLIC CUDA::cudart_static)
endfunction()
