# How our code is compiled: language, warnings, sanitizers, cache.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

# Everything we compile links this.
add_library(yonroku_options INTERFACE)
target_include_directories(yonroku_options INTERFACE "${PROJECT_SOURCE_DIR}/src")
target_compile_options(
  yonroku_options
  INTERFACE -Wall
            -Wextra
            -Wconversion
            -Wsign-conversion
            -Wshadow
            -Wnon-virtual-dtor
            -Woverloaded-virtual
            -Wimplicit-fallthrough
            -fno-omit-frame-pointer
            -fno-strict-aliasing
            -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # GCC 12's std::stable_sort uses a function that its own headers call deprecated.
  target_compile_options(yonroku_options INTERFACE -Wno-deprecated-declarations)
  # libbpf's options are set by name, the others left out.
  target_compile_options(yonroku_options INTERFACE -Wno-missing-designated-field-initializers)
endif()
if(YONROKU_WERROR)
  target_compile_options(yonroku_options INTERFACE -Werror)
endif()
find_package(Threads REQUIRED)
target_link_libraries(yonroku_options INTERFACE Threads::Threads)

if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(yonroku_options INTERFACE -march=x86-64-v2)
endif()

if(YONROKU_SANITIZE)
  target_compile_options(yonroku_options INTERFACE -fsanitize=${YONROKU_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(yonroku_options INTERFACE -fsanitize=${YONROKU_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 warns falsely about code that it has instrumented. The plain build is the one that warns.
    target_compile_options(yonroku_options INTERFACE -Wno-maybe-uninitialized -Wno-array-bounds -Wno-conversion
                                                     -Wno-sign-conversion -Wno-stringop-overflow)
  endif()
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(yonroku_options INTERFACE -fstack-protector-strong)
  target_compile_definitions(yonroku_options INTERFACE _FORTIFY_SOURCE=2)
  target_link_options(yonroku_options INTERFACE -Wl,-z,relro,-z,now)
else()
  # Checks of indices and iterators inside the standard library.
  target_compile_definitions(yonroku_options INTERFACE _GLIBCXX_ASSERTIONS)
endif()
