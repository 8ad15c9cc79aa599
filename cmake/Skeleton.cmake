# bpftool writes the skeleton to its standard output. What it says of sections that it skips is of no interest.
execute_process(COMMAND "${BPFTOOL}" gen skeleton "${OBJECT}" name ${NAME} OUTPUT_FILE "${SKELETON}"
                ERROR_VARIABLE said RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "bpftool: ${said}")
endif()
