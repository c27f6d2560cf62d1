# A stand-in for the CMake package "Slicer", enough for an extension of Python files: find_package(Slicer) with
# -DSlicer_DIR=<this folder>. It gives the variables and macros that the CMake files of this repository use, with the
# places and checks of the real ones (Slicer: CMake/SlicerConfig.cmake.in, CMake/SlicerDirectories.cmake; CTK:
# CMake/ctkMacroCompilePythonScript.cmake). It was written anew from their behaviour; none of their text is in it.
#
#   STAND_IN_SLICER_VERSION   of the Slicer that the package is for, such as 5.12
#   STAND_IN_MACOS_REVISION   revision of that Slicer if it is one for macOS, where extensions lie inside Slicer.app
set(STAND_IN_SLICER_VERSION "5.12" CACHE STRING "Version of Slicer, as MAJOR.MINOR")
set(STAND_IN_MACOS_REVISION "" CACHE STRING "Revision of Slicer for macOS; empty for Linux and Windows")

set(Slicer_USE_PYTHONQT ON)
set(Slicer_LIB_DIR "lib/Slicer-${STAND_IN_SLICER_VERSION}")
set(Slicer_SHARE_DIR "share/Slicer-${STAND_IN_SLICER_VERSION}")
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "${Slicer_LIB_DIR}/qt-scripted-modules")
set(Slicer_INSTALL_ROOT "./")
set(Slicer_BUNDLE_EXTENSIONS_LOCATION "")
if(STAND_IN_MACOS_REVISION)
  set(Slicer_INSTALL_ROOT "Slicer.app/Contents/")
  set(Slicer_BUNDLE_EXTENSIONS_LOCATION "Extensions-${STAND_IN_MACOS_REVISION}/${PROJECT_NAME}/")
endif()
set(_stand_in_root "${Slicer_INSTALL_ROOT}${Slicer_BUNDLE_EXTENSIONS_LOCATION}")
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR "${_stand_in_root}${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
set(Slicer_INSTALL_SHARE_DIR "${_stand_in_root}${Slicer_SHARE_DIR}")

set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/ExtensionConfig.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/ExtensionDescription.cmake")

if(NOT PYTHON_EXECUTABLE)
  find_program(PYTHON_EXECUTABLE NAMES python3 python REQUIRED)
endif()
