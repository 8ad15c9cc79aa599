# The description of the API goes into the program as it is; included by src/CMakeLists.txt.

set(openapi_file "${PROJECT_SOURCE_DIR}/packaging/openapi.yaml")
set(openapi_dir "${PROJECT_BINARY_DIR}/generated/api")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${openapi_file}")
file(READ "${openapi_file}" openapi)
file(CONFIGURE OUTPUT "${openapi_dir}/openapi_text.inc" CONTENT "R\"openapi(@openapi@)openapi\"\n" @ONLY)
target_include_directories(yonroku_api PRIVATE "${openapi_dir}")
