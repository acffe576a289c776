# mvn_add_plugin(NAME SOURCES file...): a plugin library NAME.so, the same in this tree and, after
# find_package(mvn), out of it.
#
# - its one exported symbol is `mvn_plugin` (a version script hides everything else)
# - a missing function is an error at link time (-z defs), not a dead worker
# - it is never unloaded (-z nodelete): tensors may hold pointers into its code
set(_mvn_plugin_version_script ${CMAKE_CURRENT_LIST_DIR}/plugin.map)

function(mvn_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES")
  add_library(${name} MODULE ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE mvn::mvn)
  target_link_options(${name} PRIVATE LINKER:-z,nodelete
    LINKER:--version-script=${_mvn_plugin_version_script})
  # The sanitizers' run-time is undefined in a library on purpose.
  if(NOT MVN_SANITIZE)
    target_link_options(${name} PRIVATE LINKER:-z,defs)
  endif()
  list(LENGTH arg_SOURCES count)
  if(COMMAND mvn_use_torch_pch)
    mvn_use_torch_pch(${name})
  elseif(count GREATER 1)
    # The SDK's headers cost more to compile than most plugins: once for all of its files.
    target_precompile_headers(${name} PRIVATE <mvn/model.h>)
  endif()
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so"
    LINK_DEPENDS ${_mvn_plugin_version_script})
endfunction()
