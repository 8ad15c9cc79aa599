# Compiles the offload's programs for the kernel and embeds them; included by src/CMakeLists.txt after the folder
# exists. They are C++ like the rest and include the same headers; only clang can compile them.

find_program(YONROKU_BPF_CLANG NAMES clang++-19 clang++-14 clang++ REQUIRED)
find_program(YONROKU_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
pkg_check_modules(libbpf REQUIRED IMPORTED_TARGET libbpf)

set(programs_dir "${PROJECT_BINARY_DIR}/generated/fastpath")
set(programs_object "${programs_dir}/offload.bpf.o")
set(programs_skeleton "${programs_dir}/offload.skel.h")
file(MAKE_DIRECTORY "${programs_dir}")

# The standard library's headers are those of the compiler of everything else, read as for its processor.
set(programs_flags -target bpf -mcpu=v3 -std=c++23 -O2 -g -fstandalone-debug -fno-exceptions -fno-rtti
                   -fno-strict-aliasing -fno-threadsafe-statics -D_GNU_SOURCE -D__linux__
                   -D__${CMAKE_SYSTEM_PROCESSOR}__ -Wall -Wextra -Werror -Werror=global-constructors
                   -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= "-I${PROJECT_SOURCE_DIR}/src")
foreach(directory IN LISTS CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
  if(NOT directory MATCHES "/lib/(gcc|clang|llvm)")
    list(APPEND programs_flags -isystem "${directory}")
  endif()
endforeach()

set(programs_source "${PROJECT_SOURCE_DIR}/src/fastpath/bpf/offload.bpf.cc")
add_custom_command(
  OUTPUT "${programs_object}"
  COMMAND "${YONROKU_BPF_CLANG}" ${programs_flags} -MD -MF "${programs_object}.d" -MT "${programs_object}" -c
          "${programs_source}" -o "${programs_object}"
  DEPENDS "${programs_source}"
  DEPFILE "${programs_object}.d"
  COMMENT "Compiling offload.bpf.cc for the kernel"
  VERBATIM)
add_custom_command(
  OUTPUT "${programs_skeleton}"
  COMMAND "${CMAKE_COMMAND}" -DBPFTOOL=${YONROKU_BPFTOOL} -DOBJECT=${programs_object} -DSKELETON=${programs_skeleton} -P
          "${PROJECT_SOURCE_DIR}/cmake/Skeleton.cmake"
  DEPENDS "${programs_object}" "${PROJECT_SOURCE_DIR}/cmake/Skeleton.cmake"
  COMMENT "Embedding offload.bpf.o"
  VERBATIM)
target_sources(yonroku_fastpath PRIVATE "${programs_skeleton}")
target_include_directories(yonroku_fastpath SYSTEM PRIVATE "${PROJECT_BINARY_DIR}/generated")
target_link_libraries(yonroku_fastpath PUBLIC PkgConfig::libbpf)
