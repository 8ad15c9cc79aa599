# Generates the reader's table of keys from schema.yaml; included by src/CMakeLists.txt after the folder exists.

find_program(YONROKU_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
set(schema_table_dir "${PROJECT_BINARY_DIR}/generated/config")
add_custom_command(
  OUTPUT "${schema_table_dir}/schema_table.inc"
  COMMAND "${YONROKU_PYTHON}" "${PROJECT_SOURCE_DIR}/tools/gen_schema.py" --table "${schema_table_dir}/schema_table.inc"
  DEPENDS "${PROJECT_SOURCE_DIR}/src/config/schema.yaml" "${PROJECT_SOURCE_DIR}/tools/gen_schema.py"
  COMMENT "Generating schema_table.inc from schema.yaml"
  VERBATIM)
target_sources(yonroku_config PRIVATE "${schema_table_dir}/schema_table.inc")
target_include_directories(yonroku_config PRIVATE "${schema_table_dir}")

if(YONROKU_TESTS)
  add_test(NAME config.generated-files-are-current
           COMMAND "${YONROKU_PYTHON}" "${PROJECT_SOURCE_DIR}/tools/gen_schema.py" --check)
endif()
