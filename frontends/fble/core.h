// The typed core: a checked module with all names resolved and all types gone.
//
// Every binder of a module has a VarId of its own, so no two variables of a
// module are ever confused and a pass may move code without renaming. Captures
// are not written down; lowering derives them from the free variables.
//
// What is true of every core module (core_verify checks it):
//  * a variable is used only below its binder;
//  * an expression whose type is a type of types is a kTypeValue, so no
//    variable of the type namespace is ever referenced (spec 2.1 allows it);
//  * Apply and Func are merged: the function of an Apply is no Apply, and the
//    body of a Func is no Func. Poly values and applications are gone, so they
//    never stand between;
//  * choices of a select are in tag order, each tag at most once; without a
//    default every tag is present.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frontends/fble/arena.h"
#include "frontends/fble/module_path.h"
#include "interp/deopt_point.h"
#include "interp/loc.h"
#include "interp/symbol.h"
#include "interp/tag_path.h"

namespace fble {

class ModuleImage;

using VarId = uint32_t;

enum class CoreKind {
  kTypeValue,  // a type at run time: the unit word
  kVar,
  kModule,  // value of a module that this one depends on
  kLet,
  kStruct,
  kStructAccess,
  kStructCopy,
  kStructImport,
  kUnion,
  kUnionAccess,
  kUnionSelect,
  kFunc,
  kApply,
  kList,
  kLiteral,
  kForeign,
  kDeoptPoint,
};

/// Base of all core nodes; `loc` is the location that run-time errors of the
/// node carry (the field name for accesses, the start of an application...).
struct Core {
  CoreKind kind;
  Loc loc;
};

/// A binder: `name` is for messages and dumps, with '@' for a type variable.
struct CoreVar {
  VarId id;
  Symbol name;
  Loc loc;
};

// clang-format off
struct CoreTypeValue : Core {};
struct CoreVarRef : Core { VarId var; };
struct CoreModule : Core { ModulePath path; };

struct CoreBinding { CoreVar var; Core* value; };
/// A let. `recursive`: some definition mentions a variable of the group
/// (outside of types). Then all are placeholders until all are evaluated.
/// Bindings of types are dropped, except for one where their statement
/// keeps an Apply or Func below it from being merged with one above.
struct CoreLet : Core { bool recursive; std::vector<CoreBinding> bindings; Core* body; };

struct CoreStruct : Core { std::vector<Core*> fields; };
struct CoreStructAccess : Core { Core* object; uint32_t field; uint32_t field_count; };
/// A struct copy. fields[i] is null where the field comes from the source. `loc`: source start.
struct CoreStructCopy : Core { Core* source; std::vector<Core*> fields; };
struct CoreImport { CoreVar var; uint32_t field; };
struct CoreStructImport : Core { Core* source; uint32_t field_count; std::vector<CoreImport> imports; Core* body; };

struct CoreUnion : Core { uint32_t tag; uint32_t tag_count; Core* arg; };
struct CoreUnionAccess : Core { Core* object; uint32_t tag; uint32_t tag_count; };
struct CoreChoice { uint32_t tag; Symbol name; Core* body; };
struct CoreUnionSelect : Core {
  Core* condition;
  uint32_t tag_count;
  std::vector<CoreChoice> choices;
  Core* default_choice;  ///< null when all tags have a choice
};

/// A function value. `loc`: its first token; `body_loc`: the first token of its body.
struct CoreFunc : Core { std::vector<CoreVar> args; Core* body; Loc body_loc; };
/// An application. Evaluates the function first, then the arguments right to left.
struct CoreApply : Core { Core* func; std::vector<Core*> args; };

/// A list of the elements, in the encoding of spec 7.1.
struct CoreList : Core { std::vector<Core*> elements; };

/// A list of letters. Letter i is at alphabet[letters[i]]; the innermost argument is the unit value.
struct CoreLiteral : Core {
  std::vector<TagPath> alphabet;
  std::vector<uint32_t> letters;
};

/// A foreign value. `loc`: the foreign name.
struct CoreForeign : Core { ModulePath module; Symbol name; CoreVar var; Core* body; };

/// A `# deopt-here!` before its body, whose value it has. `loc`: of the comment. The core
/// has each deopt point of the source that is evaluated at all exactly once.
struct CoreDeoptPoint : Core { DeoptPointOptions options; Core* body; };
// clang-format on

/// Returns the expression below its deopt points.
inline const Core* below_deopt_points(const Core* core) {
  while (core->kind == CoreKind::kDeoptPoint) core = static_cast<const CoreDeoptPoint*>(core)->body;
  return core;
}

/// A checked module. `deps` are the modules whose values it may mention, in
/// order of first mention.
struct CoreProgramModule {
  ModulePath path;
  std::vector<ModulePath> deps;
  Core* body = nullptr;
  const ModuleImage* image = nullptr;  ///< what was lowered before, instead of `body`
  Loc loc;                             ///< line 1, column 0 of the source file
  VarId var_count = 0;                 ///< all VarIds are below
  uint32_t deopt_point_count = 0;      ///< number of kDeoptPoint nodes in the body
  std::shared_ptr<Arena> arena;        ///< owns the nodes
};

}  // namespace fble
