# shellcheck shell=bash
# A TriStar MPPT that lives through a day in two minutes.
demo_simulator tristar-simulator --day 120
tristar_port=$port
