# Write and install <name>.s4ext, by which Slicer's Extensions Manager knows an extension that is installed from a file.
# Slicer makes it of the same variables, and takes address and revision from git.
foreach(name HOMEPAGE CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS CATEGORY)
  if(NOT EXTENSION_${name})
    message(FATAL_ERROR "EXTENSION_${name} is empty")
  endif()
  list(LENGTH EXTENSION_${name} length)
  if(length GREATER 1)
    # Slicer hands the values on without quotes, so that one with a semicolon falls apart.
    message(FATAL_ERROR "EXTENSION_${name} holds a semicolon: ${EXTENSION_${name}}")
  endif()
endforeach()
foreach(file EXTENSION_README_FILE EXTENSION_LICENSE_FILE)
  if(NOT EXISTS "${${file}}")
    message(FATAL_ERROR "${file} is no file: ${${file}}")
  endif()
endforeach()

find_package(Git QUIET)
set(revision "")
if(GIT_FOUND)
  execute_process(COMMAND "${GIT_EXECUTABLE}" rev-parse HEAD WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
    OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT revision)
  set(revision "NA")
endif()

set(lines "scm git" "scmurl ${EXTENSION_HOMEPAGE}" "scmrevision ${revision}" "build_subdirectory ." "enabled 1" "tier 1")
foreach(name depends homepage contributors category iconurl status description screenshoturls keywords)
  string(TOUPPER "${name}" upper)
  list(APPEND lines "${name} ${EXTENSION_${upper}}")
endforeach()
list(JOIN lines "\n" text)
file(WRITE "${CMAKE_BINARY_DIR}/${EXTENSION_NAME}.s4ext" "${text}\n")
install(FILES "${CMAKE_BINARY_DIR}/${EXTENSION_NAME}.s4ext" DESTINATION "${Slicer_INSTALL_SHARE_DIR}"
  COMPONENT RuntimeLibraries)
