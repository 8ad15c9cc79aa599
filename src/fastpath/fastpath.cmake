# Compiles the offload's programs for the kernel and embeds them; included by src/CMakeLists.txt after the folder
# exists. They are C++ like the rest and include the same headers; only clang can compile them.

find_program(YONROKU_BPF_CLANG NAMES clang++-19 clang++-14 clang++ REQUIRED)
find_program(YONROKU_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
pkg_check_modules(libbpf REQUIRED IMPORTED_TARGET libbpf)

# yonroku_programs(TARGET SOURCE): SOURCE is NAME.bpf.cc, and TARGET may include "fastpath/NAME.skel.h".
function(yonroku_programs target source)
  get_filename_component(name "${source}" NAME_WE)
  set(directory "${PROJECT_BINARY_DIR}/generated/fastpath")
  set(object "${directory}/${name}.bpf.o")
  set(skeleton "${directory}/${name}.skel.h")
  file(MAKE_DIRECTORY "${directory}")

  # The standard library's headers are those of the compiler of everything else, read as for its processor.
  set(flags -target bpf -mcpu=v3 -std=c++23 -O2 -g -fstandalone-debug -fno-exceptions -fno-rtti -fno-strict-aliasing
            -fno-threadsafe-statics -D_GNU_SOURCE -D__linux__ -D__${CMAKE_SYSTEM_PROCESSOR}__ -Wall -Wextra -Werror
            -Werror=global-constructors -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= "-I${PROJECT_SOURCE_DIR}/src")
  foreach(include IN LISTS CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    if(NOT include MATCHES "/lib/(gcc|clang|llvm)")
      list(APPEND flags -isystem "${include}")
    endif()
  endforeach()

  add_custom_command(
    OUTPUT "${object}"
    COMMAND "${YONROKU_BPF_CLANG}" ${flags} -MD -MF "${object}.d" -MT "${object}" -c "${source}" -o "${object}"
    DEPENDS "${source}"
    DEPFILE "${object}.d"
    COMMENT "Compiling ${name}.bpf.cc for the kernel"
    VERBATIM)
  add_custom_command(
    OUTPUT "${skeleton}"
    COMMAND "${CMAKE_COMMAND}" -DBPFTOOL=${YONROKU_BPFTOOL} -DOBJECT=${object} -DSKELETON=${skeleton} -DNAME=yonroku_${name} -P
            "${PROJECT_SOURCE_DIR}/cmake/Skeleton.cmake"
    DEPENDS "${object}" "${PROJECT_SOURCE_DIR}/cmake/Skeleton.cmake"
    COMMENT "Embedding ${name}.bpf.o"
    VERBATIM)
  add_custom_target(${name}_skeleton DEPENDS "${skeleton}")
  add_dependencies(generated ${name}_skeleton)
  target_sources(${target} PRIVATE "${skeleton}")
  target_include_directories(${target} SYSTEM PRIVATE "${PROJECT_BINARY_DIR}/generated")
endfunction()

yonroku_programs(yonroku_fastpath "${PROJECT_SOURCE_DIR}/src/fastpath/bpf/offload.bpf.cc")
target_link_libraries(yonroku_fastpath PUBLIC PkgConfig::libbpf)
