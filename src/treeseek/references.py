"""The papers behind the methods, by key: what `treeseek cite` prints.

Every `Reference: key` of a docstring and every key of a strategy has its entry here. Entries are
our own; a field we were not sure of is left out rather than guessed.
"""

from collections.abc import Iterable

from treeseek.errors import UnknownName

_ENTRIES = r"""
@misc{adadec,
  title = {Towards Better Code Generation: Adaptive Decoding with Uncertainty Guidance},
  author = {He, Kaifeng and Liu, Mingwei and Wang, Chong and Li, Zike and Wang, Yanlin and
            Peng, Xin and Zheng, Zibin},
  year = {2025},
  eprint = {2506.08980},
  archiveprefix = {arXiv},
}

@article{alphazero,
  title = {A General Reinforcement Learning Algorithm that Masters Chess, Shogi, and Go through
           Self-Play},
  author = {Silver, David and Hubert, Thomas and Schrittwieser, Julian and Antonoglou, Ioannis and
            Lai, Matthew and Guez, Arthur and Lanctot, Marc and Sifre, Laurent and
            Kumaran, Dharshan and Graepel, Thore and Lillicrap, Timothy and Simonyan, Karen and
            Hassabis, Demis},
  journal = {Science},
  volume = {362},
  number = {6419},
  pages = {1140--1144},
  year = {2018},
}

@phdthesis{beam-search,
  title = {The {Harpy} Speech Recognition System},
  author = {Lowerre, Bruce T.},
  school = {Carnegie Mellon University},
  year = {1976},
}

@inproceedings{best-of-n,
  title = {Learning to Summarize with Human Feedback},
  author = {Stiennon, Nisan and Ouyang, Long and Wu, Jeffrey and Ziegler, Daniel M. and
            Lowe, Ryan and Voss, Chelsea and Radford, Alec and Amodei, Dario and
            Christiano, Paul},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2020},
  eprint = {2009.01325},
  archiveprefix = {arXiv},
}

@misc{ctrl,
  title = {{CTRL}: A Conditional Transformer Language Model for Controllable Generation},
  author = {Keskar, Nitish Shirish and McCann, Bryan and Varshney, Lav R. and Xiong, Caiming and
            Socher, Richard},
  year = {2019},
  eprint = {1909.05858},
  archiveprefix = {arXiv},
}

@inproceedings{diverse-beam,
  title = {Diverse Beam Search for Improved Description of Complex Scenes},
  author = {Vijayakumar, Ashwin K. and Cogswell, Michael and Selvaraju, Ramprasaath R. and
            Sun, Qing and Lee, Stefan and Crandall, David and Batra, Dhruv},
  booktitle = {AAAI Conference on Artificial Intelligence},
  year = {2018},
  eprint = {1610.02424},
  archiveprefix = {arXiv},
}

@inproceedings{eta,
  title = {Truncation Sampling as Language Model Desmoothing},
  author = {Hewitt, John and Manning, Christopher D. and Liang, Percy},
  booktitle = {Findings of the Association for Computational Linguistics: EMNLP},
  year = {2022},
  eprint = {2210.15191},
  archiveprefix = {arXiv},
}

@book{gumbel-max,
  title = {Statistical Theory of Extreme Values and Some Practical Applications},
  author = {Gumbel, Emil Julius},
  publisher = {US Government Printing Office},
  series = {National Bureau of Standards Applied Mathematics Series},
  number = {33},
  year = {1954},
}

@misc{gumbel-topk,
  title = {Gumbel-max Trick and Weighted Reservoir Sampling},
  author = {Vieira, Tim},
  year = {2014},
  howpublished = {Graduate Descent (blog)},
}

@misc{llm-tree-search,
  title = {{LLM} Tree Search},
  author = {Wilson, Dylan},
  year = {2024},
  eprint = {2410.19117},
  archiveprefix = {arXiv},
}

@inproceedings{min-p,
  title = {Turning Up the Heat: Min-p Sampling for Creative and Coherent {LLM} Outputs},
  author = {Nguyen, Minh Nhat and Baker, Andrew and Neo, Clement and Roush, Allen and
            Kirsch, Andreas and Shwartz-Ziv, Ravid},
  booktitle = {International Conference on Learning Representations},
  year = {2025},
  eprint = {2407.01082},
  archiveprefix = {arXiv},
}

@inproceedings{mirostat,
  title = {Mirostat: A Neural Text Decoding Algorithm that Directly Controls Perplexity},
  author = {Basu, Sourya and Ramachandran, Govardana Sachitanandam and
            Keskar, Nitish Shirish and Varshney, Lav R.},
  booktitle = {International Conference on Learning Representations},
  year = {2021},
  eprint = {2007.14966},
  archiveprefix = {arXiv},
}

@inproceedings{nucleus,
  title = {The Curious Case of Neural Text Degeneration},
  author = {Holtzman, Ari and Buys, Jan and Du, Li and Forbes, Maxwell and Choi, Yejin},
  booktitle = {International Conference on Learning Representations},
  year = {2020},
  eprint = {1904.09751},
  archiveprefix = {arXiv},
}

@inproceedings{pg-td,
  title = {Planning with Large Language Models for Code Generation},
  author = {Zhang, Shun and Chen, Zhenfang and Shen, Yikang and Ding, Mingyu and
            Tenenbaum, Joshua B. and Gan, Chuang},
  booktitle = {International Conference on Learning Representations},
  year = {2023},
  eprint = {2303.05510},
  archiveprefix = {arXiv},
}

@article{puct,
  title = {Multi-Armed Bandits with Episode Context},
  author = {Rosin, Christopher D.},
  journal = {Annals of Mathematics and Artificial Intelligence},
  volume = {61},
  number = {3},
  pages = {203--230},
  year = {2011},
}

@inproceedings{stochastic-beam,
  title = {Stochastic Beams and Where to Find Them: The {Gumbel}-Top-k Trick for Sampling Sequences
           Without Replacement},
  author = {Kool, Wouter and van Hoof, Herke and Welling, Max},
  booktitle = {International Conference on Machine Learning},
  year = {2019},
  eprint = {1903.06059},
  archiveprefix = {arXiv},
}

@article{typical,
  title = {Locally Typical Sampling},
  author = {Meister, Clara and Pimentel, Tiago and Wiher, Gian and Cotterell, Ryan},
  journal = {Transactions of the Association for Computational Linguistics},
  volume = {11},
  pages = {102--121},
  year = {2023},
  eprint = {2202.00666},
  archiveprefix = {arXiv},
}
"""

REFERENCES: dict[str, str] = {
    entry.split("{", 1)[1].split(",", 1)[0]: entry.strip() for entry in _ENTRIES.split("\n\n")
}
"""BibTeX by key."""


def cite(keys: Iterable[str]) -> str:
    """BibTeX of `keys`, each once, in the order given; an empty string for none.

    Raises UnknownName for a key without an entry.
    """
    wanted = dict.fromkeys(keys)
    for key in wanted:
        if key not in REFERENCES:
            raise UnknownName(
                f"No reference {key!r}: the keys are {', '.join(sorted(REFERENCES))}."
            )
    return "\n\n".join(REFERENCES[key] for key in wanted)
