#include "runner/completion_script.h"

namespace mvn {
namespace {

constexpr const char* kBash =
    R"sh(# Completes mvn-runner in bash: source <(mvn-runner completion bash)
_mvn_runner() {
  local current=${COMP_WORDS[COMP_CWORD]} line ending
  local -a found
  [[ $current == '=' ]] && current=
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :folders)
        compopt -o filenames
        mapfile -t found < <(compgen -d -- "$current")
        COMPREPLY+=("${found[@]}") ;;
      ':files '*)
        compopt -o filenames
        for ending in ${line#:files }; do
          mapfile -t found < <(compgen -f -X "!*.$ending" -- "$current")
          COMPREPLY+=("${found[@]}")
        done
        mapfile -t found < <(compgen -d -- "$current")
        COMPREPLY+=("${found[@]}") ;;
      :files)
        compopt -o filenames
        mapfile -t found < <(compgen -f -- "$current")
        COMPREPLY+=("${found[@]}") ;;
      *)
        COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
}
complete -F _mvn_runner mvn-runner
)sh";

constexpr const char* kZsh = R"sh(#compdef mvn-runner
# Completes mvn-runner in zsh: source <(mvn-runner completion zsh)
_mvn_runner() {
  local line word
  local -a choices
  local -a lines
  lines=("${(@f)$("${(Q)words[1]}" complete -- "${(@Q)words[2,CURRENT]}" 2> /dev/null)}")
  for line in "${lines[@]}"; do
    case $line in
      (:*) [[ $PREFIX == --*=* ]] && compset -P '*=' ;;
    esac
    case $line in
      ('') ;;
      (:folders) _files -/ ;;
      (':files '*) _files -g "*.(${${line#:files }// /|})" ;;
      (:files) _files ;;
      (*)
        word=${line%%$'\t'*}
        if [[ $line == *$'\t'* ]]; then
          choices+=("${word//:/\\:}:${line#*$'\t'}")
        else
          choices+=("${word//:/\\:}")
        fi ;;
    esac
  done
  (( $#choices )) && _describe -V 'mvn-runner' choices
}
if [[ $funcstack[1] == _mvn_runner ]]; then
  _mvn_runner "$@"
else
  compdef _mvn_runner mvn-runner
fi
)sh";

constexpr const char* kFish =
    R"sh(# Completes mvn-runner in fish: mvn-runner completion fish | source
function __mvn_runner_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l value (string replace -r -- '^--[^=]*=' '' "$current")
    for line in ($words[1] complete -- $words[2..-1] "$current" 2> /dev/null)
        switch $line
            case ':folders'
                __fish_complete_directories "$value"
            case ':files *'
                for ending in (string split ' ' -- (string replace ':files ' '' -- $line))
                    __fish_complete_path "$value" | string match -r -- ".*\\.$ending(?:\\t.*)?\$"
                end
                __fish_complete_directories "$value"
            case ':files'
                __fish_complete_path "$value"
            case '*'
                echo $line
        end
    end
end
complete -c mvn-runner -f -a '(__mvn_runner_complete)'
)sh";

}  // namespace

const std::vector<std::string>& completion_shells() {
  static const std::vector<std::string> kShells = {"bash", "zsh", "fish"};
  return kShells;
}

std::string completion_script(const std::string& shell) {
  return shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish;
}

}  // namespace mvn
