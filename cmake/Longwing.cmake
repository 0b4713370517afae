# What every Longwing library and tool is built with.
#
#   longwing_library(NAME sources... [DEPENDS targets...] [LINK libraries...])   a room that uses MLIR
#   longwing_plain_library(NAME sources... [LINK libraries...])                  a room without LLVM
#   longwing_tool(NAME sources... [LINK libraries...])                           an executable in bin/

# One interface target stands for all of LLVM and MLIR: their two shared libraries for development, or the static
# archives for a tool that runs elsewhere. Nothing else may name an MLIR library: mixing both kinds in one program
# registers every command-line option twice.
add_library(longwing_mlir INTERFACE)
target_include_directories(longwing_mlir SYSTEM INTERFACE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
if(LONGWING_PORTABLE)
  include(LongwingPortable)
else()
  target_link_libraries(longwing_mlir INTERFACE MLIR LLVM)
endif()

add_library(longwing_flags INTERFACE)
target_compile_options(longwing_flags INTERFACE -Wall -Wextra -Wno-unused-parameter -fno-semantic-interposition)
target_include_directories(longwing_flags INTERFACE
  ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR} ${PROJECT_BINARY_DIR}/include)
target_compile_definitions(longwing_flags INTERFACE LONGWING_VERSION="${PROJECT_VERSION}")
if(LONGWING_SANITIZE)
  target_compile_options(longwing_flags INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize=vptr,function)
  target_link_options(longwing_flags INTERFACE -fsanitize=address,undefined)
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

# Reading MLIR's headers takes most of a compilation; LONGWING_PCH reads them once.
if(LONGWING_PCH)
  if(NOT EXISTS ${PROJECT_BINARY_DIR}/pch.cpp)
    file(WRITE ${PROJECT_BINARY_DIR}/pch.cpp "")
  endif()
  add_library(longwing_pch OBJECT ${PROJECT_BINARY_DIR}/pch.cpp)
  target_link_libraries(longwing_pch PUBLIC longwing_flags longwing_mlir)
  target_compile_options(longwing_pch PRIVATE -fno-exceptions)
  target_precompile_headers(longwing_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/Precompiled.h)
endif()

function(longwing_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC longwing_flags longwing_mlir ${ARG_LINK})
  target_compile_options(${name} PRIVATE -fno-exceptions)
  add_dependencies(${name} LongwingTableGen ${ARG_DEPENDS})
  if(LONGWING_PCH)
    target_precompile_headers(${name} REUSE_FROM longwing_pch)
  endif()
endfunction()

function(longwing_plain_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC longwing_flags ${ARG_LINK})
endfunction()

function(longwing_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE longwing_flags ${ARG_LINK})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# Every generated header, so that a library need not know which one it includes.
#
#   longwing_tablegen(SOURCE.td NAME Name OUTPUTS file "flags" ...)
#   longwing_passes(Name)     the declarations of the room's Passes.td
add_custom_target(LongwingTableGen)
function(longwing_tablegen source)
  set(LLVM_TARGET_DEFINITIONS ${source})
  cmake_parse_arguments(ARG "" "NAME" "OUTPUTS" ${ARGN})
  while(ARG_OUTPUTS)
    list(POP_FRONT ARG_OUTPUTS file flags)
    string(REPLACE " " ";" flags "${flags}")
    mlir_tablegen(${file} ${flags} EXTRA_INCLUDES ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${MLIR_INCLUDE_DIRS})
  endwhile()
  add_public_tablegen_target(Longwing${ARG_NAME}TableGen)
  add_dependencies(LongwingTableGen Longwing${ARG_NAME}TableGen)
endfunction()

function(longwing_passes name)
  longwing_tablegen(Passes.td NAME ${name}Passes OUTPUTS Passes.h.inc "-gen-pass-decls -name ${name}")
endfunction()
