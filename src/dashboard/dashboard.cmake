# Makes the page's files a part of the program; included by src/CMakeLists.txt after src/api exists.

set(dashboard_dir "${PROJECT_BINARY_DIR}/generated/dashboard")
file(GLOB dashboard_files CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*.html" "${CMAKE_CURRENT_LIST_DIR}/*.css"
     "${CMAKE_CURRENT_LIST_DIR}/*.js" "${CMAKE_CURRENT_LIST_DIR}/*.svg" "${CMAKE_CURRENT_LIST_DIR}/*.LICENSE")
add_custom_command(
  OUTPUT "${dashboard_dir}/dashboard_files.inc"
  COMMAND "${YONROKU_PYTHON}" "${PROJECT_SOURCE_DIR}/tools/embed_dashboard.py" "${CMAKE_CURRENT_LIST_DIR}"
          "${dashboard_dir}/dashboard_files.inc"
  DEPENDS ${dashboard_files} "${PROJECT_SOURCE_DIR}/tools/embed_dashboard.py"
  COMMENT "Embedding the dashboard"
  VERBATIM)
add_custom_target(dashboard_files DEPENDS "${dashboard_dir}/dashboard_files.inc")
add_dependencies(generated dashboard_files)
target_sources(yonroku_api PRIVATE "${dashboard_dir}/dashboard_files.inc")
target_include_directories(yonroku_api PRIVATE "${dashboard_dir}")
