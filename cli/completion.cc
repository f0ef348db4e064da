#include "cli/completion.h"

#include <fmt/format.h>

#include <functional>
#include <utility>
#include <vector>

namespace tidemark::cli {
namespace {

struct Word {
  std::string text;
  std::string description;
};

// A place in the tree: the words that lead there and the words that may follow.
struct Node {
  std::string path;  // "device enrol"; "" for the root
  std::vector<Word> subcommands;
  std::vector<Word> options;
};

std::string FirstSentence(std::string text) {
  text = text.substr(0, text.find('\n'));
  for (char& c : text) {
    if (c == '\'' || c == '"' || c == '`' || c == '[' || c == ']' || c == ':') c = ' ';
  }
  return text;
}

void Walk(const CLI::App& app, const std::string& path, std::vector<Node>& nodes) {
  Node node{path, {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      node.options.push_back({"--" + name, FirstSentence(option->get_description())});
    }
  }
  const auto children = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* child : children) {
    node.subcommands.push_back({child->get_name(), FirstSentence(child->get_description())});
  }
  nodes.push_back(std::move(node));
  for (const CLI::App* child : children) {
    Walk(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), nodes);
  }
}

std::string Join(const std::vector<Word>& words) {
  std::string text;
  for (const Word& word : words) text += (text.empty() ? "" : " ") + word.text;
  return text;
}

// The path is what stands before the cursor without options and their values.
std::string Bash(const std::vector<Node>& nodes) {
  std::string cases;
  std::string paths;
  for (const Node& node : nodes) {
    cases += fmt::format("    '{}') words='{}'; options='{}' ;;\n", node.path,
                         Join(node.subcommands), Join(node.options));
    paths += fmt::format(" '{}'", node.path);
  }
  const std::string globals = Join(nodes.front().options);
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
    text += fmt::format("        '{}:{}'\n", word.text, word.description);
  }
  return text;
}

std::string Zsh(const std::vector<Node>& nodes) {
  std::string cases;
  std::string paths;
  for (const Node& node : nodes) {
    cases += fmt::format("    '{}')\n      entries=(\n{}      )\n      options=(\n{}      ) ;;\n",
                         node.path, ZshWords(node.subcommands), ZshWords(node.options));
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
std::string Fish(const std::vector<Node>& nodes) {
  std::string text =
      "# fish completion of tidemark; load it with: tidemark completion fish | source\n"
      "complete -c tidemark -n __fish_use_subcommand -f\n";
  for (const Node& node : nodes) {
    std::string when = "__fish_use_subcommand";
    if (!node.path.empty()) {
      when = "__fish_seen_subcommand_from " + node.path;
      const size_t space = node.path.find(' ');
      if (space != std::string::npos) {
        when = fmt::format("__fish_seen_subcommand_from {}; and __fish_seen_subcommand_from {}",
                           node.path.substr(0, space), node.path.substr(space + 1));
      } else if (!node.subcommands.empty()) {
        when += "; and not __fish_seen_subcommand_from " + Join(node.subcommands);
      }
    }
    for (const Word& word : node.subcommands) {
      text += fmt::format("complete -c tidemark -f -n '{}' -a {} -d '{}'\n", when, word.text,
                          word.description);
    }
    for (const Word& word : node.options) {
      const std::string condition = node.path.empty() ? "" : fmt::format(" -n '{}'", when);
      text += fmt::format("complete -c tidemark{} -l {} -d '{}'\n", condition, word.text.substr(2),
                          word.description);
    }
  }
  return text;
}

}  // namespace

std::string CompletionScript(const CLI::App& root, const std::string& shell) {
  std::vector<Node> nodes;
  Walk(root, "", nodes);
  if (shell == "zsh") return Zsh(nodes);
  return shell == "fish" ? Fish(nodes) : Bash(nodes);
}

}  // namespace tidemark::cli
