# What every file of the project is compiled and linked with.

# Options for C++ alone: nvcc has its own (cuda.cmake).
function(mvn_add_cxx_options)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:${ARGV}>")
endfunction()

# Warnings are errors everywhere; libraries' own headers are SYSTEM and exempt.
mvn_add_cxx_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
                    -Wcast-qual -Wconversion -Wno-sign-conversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 sees overlapping copies in `"text" + std::string` (GCC bug 105651).
  mvn_add_cxx_options(-Wno-restrict)
endif()
if(MVN_SANITIZE)
  mvn_add_cxx_options(-fsanitize=${MVN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MVN_SANITIZE})
endif()
# RPATH, which the libraries of a library inherit, and not RUNPATH: Debian's libraries, copied into
# an installed tree, do not know where to find each other.
add_link_options(LINKER:--disable-new-dtags)
# What __FILE__ becomes: a path in the repository, whoever built it and where.
mvn_add_cxx_options(-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
