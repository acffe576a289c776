# Finds Apache Arrow, which reads Parquet: MVN_ARROW names a folder `pyarrow` of a Python environment,
# or .deps/arrow, where scripts/setup puts the same libraries and headers. Without one, or with
# -DMVN_ARROW=OFF, no such files are read. Defines mvn::arrow where there is one.
set(MVN_ARROW ${CMAKE_SOURCE_DIR}/.deps/arrow CACHE STRING
    "Folder with Arrow's include, libarrow.so and libparquet.so, or OFF")

file(GLOB MVN_ARROW_LIBRARIES ${MVN_ARROW}/libarrow.so.*[0-9] ${MVN_ARROW}/libparquet.so.*[0-9])
list(LENGTH MVN_ARROW_LIBRARIES _mvn_arrow_count)
if(NOT MVN_ARROW OR NOT EXISTS ${MVN_ARROW}/include/parquet/api/reader.h OR NOT _mvn_arrow_count EQUAL 2)
  message(STATUS "No Arrow in ${MVN_ARROW}: Parquet and Arrow files will not be read")
  set(MVN_ARROW_LIBRARIES "")
  return()
endif()
file(STRINGS ${MVN_ARROW}/include/arrow/util/config.h _mvn_arrow_version
     REGEX "define ARROW_VERSION_STRING")
string(REGEX REPLACE ".*\"(.*)\"" "\\1" MVN_ARROW_VERSION "${_mvn_arrow_version}")
add_library(mvn::arrow INTERFACE IMPORTED GLOBAL)
target_include_directories(mvn::arrow SYSTEM INTERFACE ${MVN_ARROW}/include)
target_link_libraries(mvn::arrow INTERFACE ${MVN_ARROW_LIBRARIES})
message(STATUS "Arrow ${MVN_ARROW_VERSION} in ${MVN_ARROW}")
