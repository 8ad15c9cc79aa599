# One library and one unit test executable per folder of src/.

include(GoogleTest)

# yonroku_folder(<folder> [PURE] [USES <folder>...] [LIBRARIES <external target>...])
#
# Makes yonroku_<folder> from every *.cc below src/<folder> (an INTERFACE library while there is none) and
# yonroku_<folder>_test from every *_test.cc. USES names the folders just below it: what they use comes with them.
# tools/check_layers.py reads the same calls and holds the #includes to them.
function(yonroku_folder folder)
  cmake_parse_arguments(ARG "PURE" "" "USES;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${folder}/*.cc")
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|\\.bpf)\\.cc$")

  set(library yonroku_${folder})
  list(TRANSFORM ARG_USES PREPEND yonroku_)
  if(sources)
    add_library(${library} STATIC ${sources})
    target_link_libraries(${library} PUBLIC yonroku_options ${ARG_USES} ${ARG_LIBRARIES})
    if(ARG_PURE)
      target_compile_options(${library} PRIVATE -fno-exceptions)
    endif()
  else()
    add_library(${library} INTERFACE)
    target_link_libraries(${library} INTERFACE yonroku_options ${ARG_USES} ${ARG_LIBRARIES})
  endif()

  if(tests AND YONROKU_TESTS)
    yonroku_test(${library}_test PREFIX ${folder} SOURCES ${tests} LINKS ${library})
  endif()
  set_property(GLOBAL APPEND PROPERTY YONROKU_LIBRARIES ${library})
endfunction()

# yonroku_test(<name> PREFIX <word> SOURCES <file>... LINKS <target>...): a GoogleTest program known to ctest; its
# tests are called <word>.<Suite>.<Test>.
function(yonroku_test name)
  cmake_parse_arguments(ARG "" "PREFIX" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} yonroku_options GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE YONROKU_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  gtest_discover_tests(
    ${name}
    TEST_PREFIX "${ARG_PREFIX}."
    NO_PRETTY_VALUES
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    PROPERTIES TIMEOUT 120)
endfunction()
