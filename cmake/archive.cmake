# mvn::archive: libarchive, of which four readers are used. Linked statically where that can be, it
# comes without the libraries of all its others, which are 35 MB of an installed tree.
find_package(LibArchive REQUIRED)
find_library(MVN_STATIC_ARCHIVE libarchive.a)
find_package(LibLZMA)
find_package(BZip2)
find_package(ZLIB)
find_library(MVN_ZSTD_LIBRARY zstd)
mark_as_advanced(MVN_STATIC_ARCHIVE MVN_ZSTD_LIBRARY)
add_library(mvn_archive INTERFACE)
add_library(mvn::archive ALIAS mvn_archive)
if(MVN_STATIC_ARCHIVE AND MVN_ZSTD_LIBRARY AND LIBLZMA_FOUND AND BZIP2_FOUND AND ZLIB_FOUND)
  target_include_directories(mvn_archive SYSTEM INTERFACE ${LibArchive_INCLUDE_DIRS})
  target_link_libraries(mvn_archive INTERFACE ${MVN_STATIC_ARCHIVE} LibLZMA::LibLZMA
                        ${MVN_ZSTD_LIBRARY} BZip2::BZip2 ZLIB::ZLIB)
  # Its functions stay inside: a process may have another libarchive.
  target_link_options(mvn_archive INTERFACE LINKER:--exclude-libs=libarchive.a)
else()
  target_link_libraries(mvn_archive INTERFACE LibArchive::LibArchive)
endif()
