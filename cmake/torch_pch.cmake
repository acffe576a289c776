# mvn_use_torch_pch(target): compiles the target with the one precompiled <torch/torch.h> of the
# build, which takes most of the time of a file that uses LibTorch.
add_library(mvn_torch_pch OBJECT ${CMAKE_CURRENT_LIST_DIR}/torch_pch.cc)
target_link_libraries(mvn_torch_pch PRIVATE mvn::torch)
target_compile_options(mvn_torch_pch PRIVATE -Winvalid-pch)
target_precompile_headers(mvn_torch_pch PRIVATE <torch/torch.h>)

function(mvn_use_torch_pch target)
  target_precompile_headers(${target} REUSE_FROM mvn_torch_pch)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    # A precompiled header serves one code model: -fPIC, where CMake would choose -fPIE.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
endfunction()
