# What include(${Slicer_USE_FILE}) gives to an extension of Python files.
set(EXTENSION_NAME "${PROJECT_NAME}")
include(CTest)

# Stop if a file of a list is not there, as slicerMacroBuildScriptedModule does.
function(_stand_in_require_files macro)
  foreach(file IN LISTS ARGN)
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
      message(FATAL_ERROR "${macro} was given a file that is not there: ${file}")
    endif()
  endforeach()
endfunction()

# Stop if words were left over, or a needed one is missing.
macro(_stand_in_require_words macro)
  if(MY_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${macro} does not know: ${MY_UNPARSED_ARGUMENTS}")
  endif()
  foreach(word ${ARGN})
    if(NOT MY_${word})
      message(FATAL_ERROR "${macro} needs ${word}")
    endif()
  endforeach()
endmacro()

# Copy files into the build tree, byte-compile them there, and install the folder. As in CTK, files are copied when the
# target is built, a .pyc lies beside its .py, and with NO_INSTALL_SUBDIR what the folder holds is installed, not it.
function(ctkMacroCompilePythonScript)
  cmake_parse_arguments(MY "NO_INSTALL_SUBDIR;GLOBAL_TARGET" "TARGET_NAME;SOURCE_DIR;DESTINATION_DIR;INSTALL_DIR"
    "SCRIPTS;RESOURCES" ${ARGN})
  _stand_in_require_words(ctkMacroCompilePythonScript TARGET_NAME SCRIPTS DESTINATION_DIR INSTALL_DIR)
  if(NOT MY_SOURCE_DIR)
    set(MY_SOURCE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  # One script copies all files; CTK has a command for each, which takes several times as long.
  set(script "${CMAKE_CURRENT_BINARY_DIR}/copy_${MY_TARGET_NAME}.cmake")
  set(sources)
  set(lines)
  foreach(file IN LISTS MY_SCRIPTS MY_RESOURCES)
    get_filename_component(folder "${MY_DESTINATION_DIR}/${file}" DIRECTORY)
    string(APPEND lines "file(COPY \"${MY_SOURCE_DIR}/${file}\" DESTINATION \"${folder}\")\n")
    list(APPEND sources "${MY_SOURCE_DIR}/${file}")
  endforeach()
  file(WRITE "${script}" "${lines}")
  set(done "${CMAKE_CURRENT_BINARY_DIR}/compiled_${MY_TARGET_NAME}")
  add_custom_command(
    OUTPUT "${done}"
    COMMAND ${CMAKE_COMMAND} -P "${script}"
    COMMAND "${PYTHON_EXECUTABLE}" -m compileall -b -q "${MY_DESTINATION_DIR}"
    COMMAND ${CMAKE_COMMAND} -E touch "${done}"
    DEPENDS ${sources}
    )
  add_custom_target(Compile${MY_TARGET_NAME}PythonFiles ALL DEPENDS "${done}")
  set(slash "")
  if(MY_NO_INSTALL_SUBDIR)
    set(slash "/")
  endif()
  install(DIRECTORY "${MY_DESTINATION_DIR}${slash}" DESTINATION "${MY_INSTALL_DIR}" COMPONENT RuntimeLibraries)
endfunction()

function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MY "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  _stand_in_require_words(slicerMacroBuildScriptedModule NAME SCRIPTS)
  _stand_in_require_files(slicerMacroBuildScriptedModule ${MY_SCRIPTS} ${MY_RESOURCES})
  ctkMacroCompilePythonScript(
    TARGET_NAME "${MY_NAME}"
    SCRIPTS "${MY_SCRIPTS}"
    RESOURCES "${MY_RESOURCES}"
    DESTINATION_DIR "${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}"
    INSTALL_DIR "${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}"
    NO_INSTALL_SUBDIR
    )
endfunction()

# Slicer would register a test that starts Slicer; there is none here, so it is only seen that the script is there.
function(slicer_add_python_unittest)
  cmake_parse_arguments(MY "" "SCRIPT;TESTNAME_PREFIX" "SLICER_ARGS" ${ARGN})
  _stand_in_require_words(slicer_add_python_unittest SCRIPT)
  _stand_in_require_files(slicer_add_python_unittest "${MY_SCRIPT}")
endfunction()
