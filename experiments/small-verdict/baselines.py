"""A trial in Python: what needs no neural network, on the same texts as the models of the small verdict.

    python3 baselines.py TRIAL.json

args.method is `majority`, the most frequent label of the training texts, or `tfidf`, a logistic
regression on words and pairs of words (scikit-learn's). args.train and args.test are JSON Lines with
`text` and `label`; of the training texts args.examples are drawn, the classes in proportion.
"""
import json
import sys

from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline


def read(path):
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row["text"] for row in rows], [row["label"] for row in rows]


def classifier(method):
    if method == "majority":
        return DummyClassifier(strategy="most_frequent")
    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
                         LogisticRegression(C=10, max_iter=1000))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        trial = json.load(file)
    args = trial["config"]["args"]
    texts, labels = read(args["train"])
    count = {label: labels.count(label) for label in set(labels)}
    # A class of one text cannot be drawn in proportion.
    kept = [i for i, label in enumerate(labels) if count[label] > 1]
    texts, _, labels, _ = train_test_split(
        [texts[i] for i in kept], [labels[i] for i in kept], train_size=args["examples"],
        stratify=[labels[i] for i in kept], random_state=trial["config"]["seed"])
    model = classifier(args["method"]).fit(texts, labels)
    held_out, expected = read(args["test"])
    right = model.score(held_out, expected)
    with open(trial["spool"], "a", encoding="utf-8") as spool:
        spool.write(json.dumps({"type": "metric", "step": 1,
                                "values": {"test/accuracy": right}}) + "\n")


if __name__ == "__main__":
    main()
