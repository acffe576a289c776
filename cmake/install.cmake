# `cmake --install build --prefix X`: a tree that can be moved and copied. It holds every library it
# needs but LibTorch, CUDA, glibc and Arrow; LibTorch is found through LD_LIBRARY_PATH, and Arrow, too,
# where `cmake --install build --prefix X --component arrow` has not put it into the tree.
#
#   bin/mvn-runner  bin/mvn-supervisor  bin/mvn-worker
#   lib/libmvn.so  lib/libmvn_cuda.so  lib/libmvn_http.so  lib/libmvn_arrow.so  lib/mvn/plugins/*.so
#   lib/mvn/python  lib/mvn/torch-version
#   include/mvn  lib/cmake/mvn  share/mvn/experiments  share/mvn/licenses
#   share/man/man1 and the completions of bash, zsh and fish
#
# libstdc++ and libgcc_s come along, so that a machine with older ones runs it. That is safe: all
# the C++ in the process is ours or LibTorch's, and LibTorch asks for an older libstdc++ than the
# compiler that builds this brings. glibc must be as new as the building machine's.
include(CMakePackageConfigHelpers)

set_target_properties(mvn-runner mvn-worker PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
set_target_properties(mvn mvn_http PROPERTIES INSTALL_RPATH "$ORIGIN")
set_target_properties(${MVN_PLUGINS} PROPERTIES INSTALL_RPATH "$ORIGIN/../..")

install(TARGETS mvn EXPORT mvnTargets RUNTIME_DEPENDENCY_SET mvn_dependencies
        LIBRARY DESTINATION lib)
install(TARGETS mvn_http RUNTIME_DEPENDENCY_SET mvn_dependencies LIBRARY DESTINATION lib)
install(TARGETS mvn-runner mvn-worker RUNTIME_DEPENDENCY_SET mvn_dependencies
        RUNTIME DESTINATION bin)
install(TARGETS mvn-supervisor RUNTIME DESTINATION bin)
install(TARGETS ${MVN_PLUGINS} RUNTIME_DEPENDENCY_SET mvn_dependencies
        LIBRARY DESTINATION lib/mvn/plugins)
if(TARGET mvn_cuda)
  # What it needs of CUDA is LibTorch's, and in the process before it.
  set_target_properties(mvn_cuda PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS mvn_cuda LIBRARY DESTINATION lib)
endif()
if(TARGET mvn_arrow)
  # Not of the set: what it needs of Arrow takes 62 MB and is left out.
  set_target_properties(mvn_arrow PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS mvn_arrow LIBRARY DESTINATION lib)
  install(FILES ${MVN_ARROW_LIBRARIES} DESTINATION lib COMPONENT arrow EXCLUDE_FROM_ALL)
  file(GLOB arrow_licences ${MVN_ARROW}/licenses/*.txt)
  install(FILES ${arrow_licences} DESTINATION share/mvn/licenses/arrow COMPONENT arrow
          EXCLUDE_FROM_ALL)
endif()
install(RUNTIME_DEPENDENCY_SET mvn_dependencies
        PRE_EXCLUDE_REGEXES [[^lib(torch|c10|cu(da|blas|dnn|fft|file|pti|rand|solver|sparse)|nv|gomp)]]
                            [[^ld-linux]]
                            [[^lib(c|m|dl|rt|pthread|util|resolv)\.so]]
        LIBRARY DESTINATION lib)

install(DIRECTORY framework/include/mvn DESTINATION include FILES_MATCHING PATTERN "*.h")
install(DIRECTORY framework/python/mvn_runner DESTINATION lib/mvn/python
        PATTERN "__pycache__" EXCLUDE)
# What a wheel's mvn-runner compares the user's torch with.
file(WRITE ${CMAKE_BINARY_DIR}/torch-version "${MVN_TORCH_VERSION}\n")
install(FILES ${CMAKE_BINARY_DIR}/torch-version DESTINATION lib/mvn)
install(DIRECTORY experiments DESTINATION share/mvn
        PATTERN "results" EXCLUDE PATTERN "__pycache__" EXCLUDE PATTERN ".*" EXCLUDE)

# Private to their user when the build writes them; everyone reads an installed one.
foreach(folder man/man1 bash-completion/completions zsh/site-functions fish/vendor_completions.d)
  install(DIRECTORY ${CMAKE_BINARY_DIR}/share/${folder}/ DESTINATION share/${folder}
          FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endforeach()

# plotly.js is within mvn-runner.
cmake_path(GET MVN_PLOTLY PARENT_PATH plotly_folder)
install(FILES ${plotly_folder}/LICENSE.txt DESTINATION share/mvn/licenses RENAME plotly.txt OPTIONAL)

install(EXPORT mvnTargets NAMESPACE mvn:: DESTINATION lib/cmake/mvn)
configure_package_config_file(cmake/mvnConfig.cmake.in ${CMAKE_BINARY_DIR}/mvnConfig.cmake
                              INSTALL_DESTINATION lib/cmake/mvn)
# A plugin is compiled against headers that change with every minor version while this is 0.x.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/mvnConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/mvnConfig.cmake ${CMAKE_BINARY_DIR}/mvnConfigVersion.cmake
              cmake/LibTorch.cmake cmake/mvn_add_plugin.cmake cmake/plugin.map
        DESTINATION lib/cmake/mvn)
