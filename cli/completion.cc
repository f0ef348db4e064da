#include "cli/completion.h"

#include <fmt/format.h>

namespace tidemark::cli {
namespace {

using flags::Syntax;
using flags::Word;

// Without the characters that mean something to a shell.
std::string FirstSentence(std::string text) {
  text = text.substr(0, text.find('\n'));
  for (char& c : text) {
    if (c == '\'' || c == '"' || c == '`' || c == '[' || c == ']' || c == ':') c = ' ';
  }
  return text;
}

std::string Join(const std::vector<Word>& words) {
  std::string text;
  for (const Word& word : words) text += (text.empty() ? "" : " ") + word.name;
  return text;
}

// The path is what stands before the cursor without options and their values.
std::string Bash(const std::vector<Syntax>& tree) {
  std::string cases;
  std::string paths;
  for (const Syntax& node : tree) {
    cases += fmt::format("    '{}') words='{}'; options='{}' ;;\n", node.path, Join(node.commands),
                         Join(node.options));
    paths += fmt::format(" '{}'", node.path);
  }
  const std::string globals = Join(tree.front().options);
  return fmt::format(
      R"(# bash completion of tidemark; load it with: source <(tidemark completion bash)
_tidemark() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} path='' words='' options='' i next
  local paths=({})
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="${{path:+$path }}${{COMP_WORDS[i]}}"
    local known
    for known in "${{paths[@]}}"; do
      [[ $known == "$next" ]] && path=$next
    done
  done
  case $path in
{}  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options {}" -- "$current")
  elif [[ -n $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}}
complete -o filenames -F _tidemark tidemark
)",
      paths, cases, globals);
}

std::string ZshWords(const std::vector<Word>& words) {
  std::string text;
  for (const Word& word : words) {
    text += fmt::format("        '{}:{}'\n", word.name, FirstSentence(word.help));
  }
  return text;
}

std::string Zsh(const std::vector<Syntax>& tree) {
  std::string cases;
  std::string paths;
  for (const Syntax& node : tree) {
    cases += fmt::format("    '{}')\n      entries=(\n{}      )\n      options=(\n{}      ) ;;\n",
                         node.path, ZshWords(node.commands), ZshWords(node.options));
    paths += fmt::format(" '{}'", node.path);
  }
  return fmt::format(R"(#compdef tidemark
# zsh completion of tidemark; load it with: source <(tidemark completion zsh)
_tidemark() {{
  local path_words='' next i
  local -a paths entries options
  paths=({})
  for ((i = 2; i < CURRENT; i++)); do
    next="${{path_words:+$path_words }}${{words[i]}}"
    (( ${{paths[(Ie)$next]}} )) && path_words=$next
  done
  case $path_words in
{}  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe 'option' options
  elif (( $#entries )); then
    _describe 'command' entries
  else
    _files
  fi
}}
compdef _tidemark tidemark
)",
                     paths, cases);
}

// fish knows which words were seen, not in which order; nouns and verbs do not clash.
std::string Fish(const std::vector<Syntax>& tree) {
  std::string text =
      "# fish completion of tidemark; load it with: tidemark completion fish | source\n"
      "complete -c tidemark -n __fish_use_subcommand -f\n";
  for (const Syntax& node : tree) {
    std::string when = "__fish_use_subcommand";
    if (!node.path.empty()) {
      when = "__fish_seen_subcommand_from " + node.path;
      const size_t space = node.path.find(' ');
      if (space != std::string::npos) {
        when = fmt::format("__fish_seen_subcommand_from {}; and __fish_seen_subcommand_from {}",
                           node.path.substr(0, space), node.path.substr(space + 1));
      } else if (!node.commands.empty()) {
        when += "; and not __fish_seen_subcommand_from " + Join(node.commands);
      }
    }
    for (const Word& word : node.commands) {
      text += fmt::format("complete -c tidemark -f -n '{}' -a {} -d '{}'\n", when, word.name,
                          FirstSentence(word.help));
    }
    for (const Word& word : node.options) {
      const std::string condition = node.path.empty() ? "" : fmt::format(" -n '{}'", when);
      text += fmt::format("complete -c tidemark{} -l {} -d '{}'\n", condition, word.name.substr(2),
                          FirstSentence(word.help));
    }
  }
  return text;
}

}  // namespace

std::string CompletionScript(const std::vector<Syntax>& tree, const std::string& shell) {
  if (shell == "zsh") return Zsh(tree);
  return shell == "fish" ? Fish(tree) : Bash(tree);
}

}  // namespace tidemark::cli
